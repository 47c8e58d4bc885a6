"""Finding a person, and reading what they would receive."""

from pathlib import Path

from tests.app.driving import app_of, composed, driven, opened, seen, typed, until
from tui.app.widgets.reader import Reader


async def test_everybody_is_listed_and_the_first_persons_message_is_beside_them(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        screen = seen(pilot)
        assert "Attendees  55" in screen
        assert "Ana Ruiz <ana@example.org>" in screen
        assert "Dear Ana Ruiz," in screen
        assert "55 ready" in screen
        assert "0 to fix" in screen


async def test_moving_down_shows_the_next_persons_own_message(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        await pilot.press("down")
        await composed(pilot)
        assert "Dear Bo Li," in seen(pilot)
        await pilot.press("end")
        assert app_of(pilot).main.table.cursor == 54
        await pilot.press("home")
        assert app_of(pilot).main.table.cursor == 0


async def test_search_looks_in_every_column_whatever_the_case_and_the_accents(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        await pilot.press("slash")
        await typed(pilot, "zoe fairw")
        assert "Attendees  1 of 55" in seen(pilot)
        assert "Zoë Fairweather" in seen(pilot)
        await pilot.press(*["backspace"] * 9)
        await typed(pilot, "JOBSEEKER")  # an internal column: searched here, and it never leaves
        assert "Bo Li" in seen(pilot)
        assert "Ana Ruiz  " not in seen(pilot)


async def test_escape_ends_the_search_and_keeps_the_person_who_was_found(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        await pilot.press("slash")
        await typed(pilot, "sundari")
        await pilot.press("enter")
        assert app_of(pilot).focused is app_of(pilot).main.table
        await pilot.press("escape")
        await pilot.pause()
        assert "Attendees  55" in seen(pilot)
        selected = app_of(pilot).main.selected
        assert selected is not None
        assert selected.address == "sundari.m@example.com"


async def test_a_search_without_an_answer_says_so(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        await pilot.press("slash")
        await typed(pilot, "nobody at all")
        assert "Nobody matches nobody at all" in seen(pilot)
        await pilot.press("escape")
        assert "Attendees  55" in seen(pilot)


async def test_f_shows_only_people_with_problems_and_then_everybody_again(folder: Path, few: Path) -> None:
    async with driven("few.csv") as pilot:
        await pilot.press("f")
        await composed(pilot)
        screen = seen(pilot)
        assert "Problems  1 of 4" in screen
        assert "▲ Cid" in screen
        await pilot.press("f")
        assert "Attendees  4" in seen(pilot)


async def test_what_is_wrong_with_a_row_stands_beside_it_with_its_place_and_a_way_out(folder: Path, few: Path) -> None:
    async with driven("few.csv", size=(140, 45)) as pilot:
        await pilot.press("f")
        await composed(pilot)
        screen = seen(pilot)
        assert "more than one @" in screen
        assert "few.csv, line 4, Email" in screen
        assert "→ cid@example.org" in screen
        assert "1 to fix" in screen


async def test_f_says_when_nobody_has_a_problem(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        await pilot.press("f")
        await until(pilot, lambda: "Nobody has a problem." in seen(pilot))
        assert "Attendees  55" in seen(pilot)


async def test_the_pages_turn_by_number_by_arrow_and_by_click(folder: Path) -> None:
    async with driven("attendees.csv", size=(120, 40)) as pilot:
        for key, said in {
            "2": "opens it in the browser",
            "3": "BEGIN:VCALENDAR",
            "4": "MIME-Version",
            "5": "Content-Transfer-Encoding",
            "6": "Nothing has been sent to this person yet",
            "1": "Subject",
        }.items():
            await pilot.press(key)
            await pilot.pause()
            assert said in seen(pilot), key
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("right")
        assert app_of(pilot).main.message.tabs.current == "HTML"
        await pilot.click("#tabs", offset=(2, 0))
        assert app_of(pilot).main.message.tabs.current == "Message"


async def test_the_calendar_page_says_in_words_what_the_entry_holds(folder: Path) -> None:
    async with driven("attendees.csv", size=(140, 45)) as pilot:
        await pilot.press("3")
        await pilot.pause()
        screen = seen(pilot)
        assert "An invitation to answer" in screen
        assert "Thursday 6 May 2027, 14:00 to 15:30 London time" in screen
        assert "6 May 2027, 13:00 to 14:30" in screen
        assert "For       Ana Ruiz <ana@example.org>" in screen


async def test_enter_reads_and_escape_and_tab_lead_back(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        main = app_of(pilot).main
        for there, back in (("enter", "escape"), ("tab", "tab"), ("shift+tab", "escape")):
            await pilot.press(there)
            await until(pilot, lambda: main.message.reader.has_focus)
            await pilot.press(back)
            await until(pilot, lambda: main.table.has_focus)


async def test_on_a_small_screen_one_pane_gives_way_to_the_other(folder: Path) -> None:
    async with driven("attendees.csv", size=(60, 20)) as pilot:
        assert "Dear Ana" not in seen(pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert "Dear Ana" in seen(pilot)
        assert "Attendees" not in seen(pilot)
        assert "esc back" in seen(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert "Attendees" in seen(pilot)


async def test_a_click_selects_a_row_and_a_second_one_opens_it(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        app = app_of(pilot)
        await pilot.click("#table", offset=(8, 3))
        assert app.main.table.cursor == 3
        await pilot.click("#table", offset=(8, 3), times=2)
        await pilot.pause()
        assert isinstance(app.focused, Reader)


async def test_the_footers_keys_can_be_clicked(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        line = seen(pilot).splitlines()[-1]
        await pilot.click("#keys", offset=(line.index("e event"), 0))
        await pilot.pause()
        assert "Account" in seen(pilot)


async def test_the_event_page_tells_the_event_the_account_and_the_files(folder: Path) -> None:
    async with driven("attendees.csv", size=(120, 40)) as pilot:
        await pilot.press("e")
        await pilot.pause()
        screen = seen(pilot)
        assert "Consultation team <consultations@department.example>" in screen
        assert "none yet: this can only rehearse" in screen
        assert "attendees.csv" in screen
        await pilot.press("escape")
        assert app_of(pilot).screen is app_of(pilot).main


async def test_help_names_every_key_that_is_bound(folder: Path) -> None:
    async with driven("attendees.csv", size=(110, 150)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: "the server refused it for good" in seen(pilot))
        screen = seen(pilot)
        for binding in app_of(pilot).main.BINDINGS:
            assert getattr(binding, "tooltip", "") in screen


async def test_a_missing_file_is_said_in_words_and_ends_with_its_code(folder: Path) -> None:
    async with driven("nowhere.csv") as pilot:
        screen = seen(pilot)
        assert "nowhere.csv" in screen
        assert "cannot be opened" in screen
        await pilot.press("q")
    assert app_of(pilot).exit_code == 1


async def test_an_event_file_with_errors_is_explained_and_nothing_can_be_sent(folder: Path) -> None:
    text = (folder / "event.toml").read_text()
    (folder / "event.toml").write_text(text.replace('"Europe/London"', '"Europe/Lundun"'))
    async with driven("attendees.csv", size=(120, 40)) as pilot:
        assert "The event file has errors" in seen(pilot)
        assert "nothing can be sent yet" in seen(pilot)
        await pilot.press("e")
        await pilot.pause()
        assert "Europe/Lundun" in seen(pilot)


def mend(file: Path) -> None:
    file.write_text(file.read_text().replace("cid@@", "cid@"))


async def test_f5_reads_a_mended_file_again_and_keeps_the_selection(folder: Path, few: Path) -> None:
    async with driven("few.csv") as pilot:
        await pilot.press("f")
        await composed(pilot)
        mend(few)
        before = app_of(pilot).state.folder
        await pilot.press("f5")
        await until(pilot, lambda: app_of(pilot).state.folder is not before)
        await opened(pilot)
        assert "0 to fix" in seen(pilot)


async def test_a_list_that_is_read_again_keeps_the_marks_on_their_people(folder: Path) -> None:
    people = ["Ana,ana@example.org", "Bo,bo@example.org", "Cy,cy@example.org", "Di,di@example.org"]
    file = folder / "four.csv"
    file.write_text("\n".join(["name,email", *people]))
    async with driven("four.csv") as pilot:
        table = app_of(pilot).main.table
        await pilot.press("space", "down", "space", "space")
        assert [one.name for one in table.marked] == ["Ana", "Cy", "Di"] and table.selected is not None
        selected = table.selected.name
        file.write_text("\n".join(["name,email", "Eve,eve@example.org", people[3], *people[:2]]))
        before = app_of(pilot).state.folder
        await pilot.press("f5")
        await until(pilot, lambda: app_of(pilot).state.folder is not before)
        await opened(pilot)
        assert [one.name for one in table.marked] == ["Di", "Ana"]
        assert table.selected.name == selected == "Di"
        assert "2 marked" in seen(pilot)


async def test_the_palette_offers_what_the_keys_do(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause(0.3)
        await typed(pilot, "rehea")
        await until(pilot, lambda: "Write every message to the outbox" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Rehearsal finished" in seen(pilot))

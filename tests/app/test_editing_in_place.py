"""What is changed on the screen is in the organiser's files, as they would have written it; a problem leads there."""

import tomllib
from datetime import date
from functools import partial
from pathlib import Path

from textual.widgets import Input

from tests.app.driving import Driven, app_of, app_over, composed, driven, opened, seen, typed, until
from tests.events import event_file
from tui.app.screens.editor import Editor
from tui.app.screens.event_form import EventForm
from tui.app.screens.people import ColumnsForm, RowForm
from tui.app.widgets.armoured import Armoured


def write(file: Path, text: str) -> None:
    file.write_text(text)


def lines_of(file: Path) -> list[str]:
    return file.read_text().splitlines()


async def retyped(pilot: Driven, text: str) -> None:
    """In place of what stands in the line that has the focus."""
    line = pilot.app.screen.focused
    assert isinstance(line, Input)
    line.value = ""
    await typed(pilot, text)


async def test_a_wrong_address_is_mended_in_the_file_and_the_person_stays_selected(few: Path) -> None:
    async with driven("few.csv") as pilot:
        await pilot.press("down", "down")
        await until(pilot, lambda: "more than one @" in seen(pilot))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RowForm))
        # What is probably meant stands there already.
        assert "cid@example.org" in seen(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "0 to fix" in seen(pilot))
        await opened(pilot)
        selected = app_of(pilot).main.selected
        assert selected is not None and selected.address == "cid@example.org"
    assert lines_of(few)[3] == "Cid,cid@example.org,staff"


async def test_what_a_person_meant_stands_there_and_a_row_too_many_is_deleted(few: Path) -> None:
    written = (
        "Name,Email,Audience\nIda,ida@gmial.com,public\nOtto,otto at example.org,public\nBo,bo@example.org,staff\n"
    )
    write(few, written + "Bo,bo@example.org,staff\n")
    async with driven("few.csv") as pilot:
        await pilot.press("f")  # to what stops a send, before what is only worth a look
        await until(pilot, lambda: "“otto at example.org” is not an address" in seen(pilot))
        await pilot.press("f", "home")
        for meant in ("ida@gmail.com", "otto@example.org"):
            await until(pilot, lambda: "a corrects it" in seen(pilot))
            await pilot.press("a")
            await until(pilot, lambda: isinstance(pilot.app.screen, RowForm))
            assert meant in seen(pilot)
            await pilot.press("enter")
            await until(pilot, lambda: pilot.app.screen is app_of(pilot).main)
            await until(pilot, partial(lambda mended: mended in seen(pilot), meant))
            await opened(pilot)
            await pilot.press("down")
        await pilot.press("f")
        await until(
            pilot, lambda: "next  a corrects who is selected" in seen(pilot) and "already in line 4" in seen(pilot)
        )
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, RowForm))
        await pilot.click("#other")
        await until(pilot, lambda: "few.csv, line 5 is taken out of the file" in seen(pilot))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "0 to fix" in seen(pilot))
    assert lines_of(few) == written.replace("gmial", "gmail").replace(" at ", "@").splitlines()


async def test_down_leads_to_the_next_line_of_a_form_that_is_longer_than_the_screen(folder: Path) -> None:
    async with driven("attendees.csv", size=(60, 20)) as pilot:
        await pilot.press("e", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, EventForm))
        for label in ("2027-05-06 14:00", "15:30", "Europe/London"):
            await pilot.press("down")
            assert isinstance(pilot.app.focused, Input) and pilot.app.focused.value == label


async def test_the_event_form_shows_the_sentence_as_it_is_typed_and_saves_nothing_else(folder: Path) -> None:
    before = (folder / "event.toml").read_text()
    async with driven("attendees.csv", size=(110, 34)) as pilot:
        await pilot.press("e", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, EventForm))
        await pilot.press("tab")
        await retyped(pilot, "2027-06-31 10:00")
        await until(pilot, lambda: "There is no 2027-06-31 in any calendar" in seen(pilot))
        await retyped(pilot, "10 June 2027, 10 am")
        await until(
            pilot, lambda: "Thursday 10 June 2027, 10:00 to 11:30 London time" in seen(pilot)
        )  # as long as before
        await pilot.press("tab")
        await retyped(pilot, "9:30")
        await until(pilot, lambda: "does not end after it begins" in seen(pilot))
        await retyped(pilot, "90m")
        await until(pilot, lambda: "Thursday 10 June 2027, 10:00 to 11:30 London time" in seen(pilot))
        await pilot.press("tab")
        await retyped(pilot, "Vienna")
        await until(pilot, lambda: "10:00 to 11:30 Vienna time" in seen(pilot))
        await pilot.click("#go")
        await until(pilot, lambda: "Thu 10 Jun 2027, 10:00 to 11:30, Vienna" in seen(pilot))
    after = (folder / "event.toml").read_text()
    assert "duration" in after and 'timezone    = "Europe/Vienna"       # guests elsewhere' in after
    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert len(changed) == 3  # start, duration, timezone
    assert len(after.splitlines()) == len(before.splitlines())


def test_the_last_day_to_keep_people_and_the_wording_are_written_as_a_person_would(folder: Path) -> None:
    form = EventForm(folder / "event.toml", (folder / "event.toml").read_text())
    values = {"event keep_until": "2027-08-31", "message template": "reminder"}
    event = tomllib.loads(form.text(values))
    assert event["event"]["keep_until"] == date(2027, 8, 31)
    assert event["message"]["template"] == "reminder"


def test_one_account_is_written_as_one_and_several_as_a_list_and_the_rest_stays(tmp_path: Path) -> None:
    sending = 'per_minute = 7  # slowly\naccounts = ["north", "south"]  # both\n'
    form = EventForm(tmp_path / "event.toml", event_file(f"[sending]\n{sending}"))

    def written(typed: str) -> str:
        return form.text({"sending account": typed}).partition("[sending]\n")[2]

    assert written("north, south") == sending
    assert written("north,south,") == sending
    assert written("north,south ,  west") == sending.replace('"south"]', '"south", "west"]')
    assert tomllib.loads(written("north")) == {"per_minute": 7, "account": "north"}
    assert written("") == "per_minute = 7  # slowly\n"
    assert "accounts: entry 2 names “north” again" in form.judge({"sending account": "north, north"}).plain


async def test_a_zone_that_is_none_is_not_saved(folder: Path) -> None:
    before = (folder / "event.toml").read_bytes()
    async with driven("attendees.csv", size=(110, 34)) as pilot:
        await pilot.press("e", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, EventForm))
        await pilot.press("tab", "tab", "tab")
        await retyped(pilot, "Atlantis")
        await until(pilot, lambda: "is no time zone" in seen(pilot))
        await pilot.click("#go")
        await pilot.pause()
        assert isinstance(pilot.app.screen, EventForm)
    assert (folder / "event.toml").read_bytes() == before


async def test_the_wording_is_seen_as_the_selected_person_gets_it_and_saved_as_a_copy_of_ones_own(folder: Path) -> None:
    async with driven("attendees.csv", size=(140, 40)) as pilot:
        await pilot.press("down", "w")
        await until(pilot, lambda: "Dear Bo Li," in seen(pilot) and isinstance(pilot.app.screen, Editor))
        await pilot.press(*["down"] * 4, "enter")
        await typed(pilot, "Your group is {{ aud")
        await until(pilot, lambda: "audience" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Your group is public" in seen(pilot))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.screen is app_of(pilot).main)
        await opened(pilot)
        assert "Your group is public" in seen(pilot)
    assert "Your group is {{ audience }}" in (folder / "templates" / "invitation.md").read_text()


async def test_a_mistake_in_the_wording_is_told_while_it_is_typed_and_not_thrown_away_by_one_key(folder: Path) -> None:
    async with driven("attendees.csv", size=(140, 40)) as pilot:
        await pilot.press("w")
        await until(pilot, lambda: "Dear Ana Ruiz" in seen(pilot))
        await pilot.press(*["down"] * 4)
        await typed(pilot, "{{ nobody }}")
        await until(pilot, lambda: "there is no such column" in seen(pilot))
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert "Not saved" in seen(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is app_of(pilot).main)
    assert not (folder / "templates").exists()


async def test_a_leak_leads_to_the_line_of_the_wording_that_it_comes_from(folder: Path) -> None:
    own = folder / "templates" / "invitation.md"
    own.parent.mkdir()
    own.write_text("subject: Hello\n\nDear {{ name }},\n\nask bo.li@example.com about it.\n")
    async with driven("attendees.csv", size=(140, 40)) as pilot:
        await until(pilot, lambda: "In the message to ana@example.org" in seen(pilot))
        assert "enter, twice, goes to where it comes from" in seen(pilot)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Editor))
        assert pilot.app.screen.query_one(Armoured).cursor_location[0] == 4


async def test_a_leak_leads_to_the_cell_that_it_comes_from(folder: Path) -> None:
    (folder / "templates").mkdir()
    (folder / "templates" / "invitation.md").write_text("subject: Hello\n\nDear {{ name }}, {{ note }}\n")
    (folder / "two.csv").write_text("Name,Email,Note\nAna,ana@example.org,ask bo@example.org\nBo,bo@example.org,x\n")
    async with driven("two.csv", size=(120, 40)) as pilot:
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, RowForm))
        focused = pilot.app.screen.focused
        assert isinstance(focused, Input) and focused.value == "ask bo@example.org"


async def test_an_error_of_the_event_file_leads_to_its_line(folder: Path) -> None:
    event = (folder / "event.toml").read_text()
    (folder / "event.toml").write_text(event.replace("2027-05-06T15:30:00", "2027-05-06T13:30:00"))
    async with driven("attendees.csv", size=(110, 34)) as pilot:
        await pilot.press("e", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, EventForm))
        focused = pilot.app.screen.focused
        assert isinstance(focused, Input) and focused.value == "13:30"


async def test_an_event_file_that_is_no_toml_is_mended_as_text(folder: Path) -> None:
    event = (folder / "event.toml").read_text()
    (folder / "event.toml").write_text(event.replace('"Europe/London"', '"Europe/London'))
    async with driven("attendees.csv", size=(140, 40)) as pilot:
        await pilot.press("e", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Editor))
        await pilot.press("home", *["right"] * len('timezone    = "Europe/London'), '"')
        await until(pilot, lambda: "Thursday 6 May 2027" in seen(pilot))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app_of(pilot).state.checked and "55 ready" in seen(pilot))
    assert (folder / "event.toml").read_text() == event


async def test_columns_that_nobody_recognises_are_told_in_a_form(folder: Path) -> None:
    (folder / "odd.csv").write_text("Wer;Kontakt;Intern\nAna;ana@example.org;geheim-1\nBo;bo@example.org;geheim-2\n")
    event = (folder / "event.toml").read_text()
    (folder / "event.toml").write_text(event.replace('internal = ["Role", "Section"]', "internal = []"))
    async with driven("odd.csv", size=(110, 34)) as pilot:
        await pilot.press("e", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ColumnsForm))
        # Where addresses are, and what is for nobody else, is proposed; what is in a column is seen beside its name.
        assert "Wer: Ana, Bo" in seen(pilot) and "the e-mail address" in seen(pilot)
        assert "ours: never leaves this machine" in seen(pilot)
        await pilot.press("tab", "left")
        await until(pilot, lambda: "Which column has the e-mail addresses?" in seen(pilot))
        assert "Kontakt: ana@example.org, bo@example.org" in seen(pilot)
        await pilot.press("right", "shift+tab", "right", "right", "enter")
        await until(pilot, lambda: "2 ready" in seen(pilot))
        assert "Ana" in seen(pilot)
    after = (folder / "event.toml").read_text()
    assert 'email = "Kontakt"' in after and 'name = "Wer"' in after and '"Intern"' in after


async def test_a_list_without_an_event_is_asked_for_one_and_leads_to_the_main_screen(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "event.toml").unlink()
    async with app_over("attendees.csv").run_test(size=(110, 34)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, EventForm))
        assert "Still to fill in: Title, From, Answers to" in seen(pilot)
        await typed(pilot, "Open day")
        await pilot.press("ctrl+s")  # leads to what is missing
        await until(pilot, lambda: "▲ Still to fill in: From, Answers to." in seen(pilot))
        await typed(pilot, "The team")
        await pilot.press("tab")
        await typed(pilot, "team@example.org")
        await pilot.click("#go")
        await opened(pilot)
        await until(pilot, lambda: "Open day" in seen(pilot) and "55 ready" in seen(pilot))
    assert 'title    = "Open day"' in (folder / "event.toml").read_text()


async def test_a_new_event_whose_list_has_columns_of_its_own_asks_for_them_next(folder: Path) -> None:
    (folder / "event.toml").unlink()
    write(folder / "odd.csv", "Wer,Kontakt\nAna,ana@example.org\n")
    async with app_over("odd.csv").run_test(size=(110, 34)) as pilot:
        await until(pilot, lambda: isinstance(pilot.app.screen, EventForm))
        for name, value in (
            ("event title", "Open day"),
            ("organizer name", "Us"),
            ("organizer email", "us@example.org"),
        ):
            assert isinstance(pilot.app.screen, EventForm)
            line = pilot.app.screen.line(name)
            assert isinstance(line, Input)
            line.value = value
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ColumnsForm))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "1 ready" in seen(pilot))


async def test_a_file_that_another_program_saves_is_read_again_with_the_selection_kept(few: Path) -> None:
    async with driven("few.csv") as pilot:
        await pilot.press("end")
        await composed(pilot)
        lines = lines_of(few)
        write(few, "\n".join([*lines[:3], "New,new@example.org,x", "Cid,cid@example.org,x", lines[4]]))
        await until(pilot, lambda: "New" in seen(pilot) and "0 to fix" in seen(pilot))
        await opened(pilot)
        selected = app_of(pilot).main.selected
        assert selected is not None and selected.name == "Dora"


async def test_what_was_reviewed_is_told_beside_its_attachment(folder: Path) -> None:
    from hashlib import sha256

    (folder / "map.bin").write_bytes(b"\x00\x01unreadable")
    digest = sha256(b"\x00\x01unreadable").hexdigest()
    event = (folder / "event.toml").read_text()
    (folder / "event.toml").write_text(event.replace("[message]", '[message]\nattachments = ["map.bin"]'))
    async with driven("attendees.csv", size=(120, 40)) as pilot:
        assert "55 to fix" in seen(pilot)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "An attachment" in seen(pilot))
        await pilot.click("#reviewed")
        await until(pilot, lambda: app_of(pilot).state.checked and "55 ready" in seen(pilot))
        await pilot.press("e")
        await until(pilot, lambda: "map.bin: reviewed by you" in seen(pilot))
    assert f'reviewed = ["map.bin@{digest}"]' in (folder / "event.toml").read_text()


async def test_an_empty_list_says_what_to_do_and_is_read_when_it_is_filled(folder: Path) -> None:
    write(folder / "empty.csv", "Name,Email\n")
    async with driven("empty.csv") as pilot:
        assert "Nobody is on the list yet." in seen(pilot)
        assert "Put people into empty.csv" in seen(pilot)
        write(folder / "empty.csv", "Name,Email\nAna,ana@example.org\n")
        await until(pilot, lambda: "1 ready" in seen(pilot))


async def test_a_line_that_is_longer_than_its_place_is_shown_whole_at_60_by_20(few: Path) -> None:
    async with driven("few.csv", size=(60, 20)) as pilot:
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, RowForm))
        await retyped(pilot, "ana.with.a.very.long.name.indeed@a.department.of.example.org")
        shown = " ".join(seen(pilot).split())
        assert "ana.with.a.very.long.name.indeed@a.department" in shown.replace("│ ", "").replace(" │", "")

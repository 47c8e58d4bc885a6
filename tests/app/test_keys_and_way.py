"""Own keys and colours, the palette over people and files, the events that were open lately, and the way on top."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from textual.command import Hits
from textual.widgets import OptionList

from tests.app.driving import app_of, app_over, by_name, composed, driven, opened, seen, through, typed, until
from tests.servers.recording import RecordingServer
from tui.app import preferences, recent
from tui.app.actions import ACTIONS
from tui.app.palette import Palette
from tui.app.screens.help import Help
from tui.app.state import State
from tui.app.way import next_step, steps


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The organiser's configuration folder."""
    there = tmp_path / "own"
    there.mkdir()
    return there


def kept_in(own: Path) -> dict[str, str]:
    return {"INVITE_TUI_CONFIG_DIR": str(own)}


def test_every_action_has_one_name_one_key_and_words() -> None:
    names = [act.name for act in ACTIONS]
    keys = [key for act in ACTIONS for key in act.keys.split(",") if key]
    assert len(set(names)) == len(names) and len(set(keys)) == len(keys)
    assert all(act.says and (act.title or act.word) for act in ACTIONS)


def test_the_page_of_keys_names_every_key_that_can_be_changed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    missing = [
        act.name for act in ACTIONS if act.keys and act.name not in ("open", "back") and f"`{act.name}`" not in page
    ]
    assert not missing


def test_the_page_of_keys_names_themes_that_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    for name in (
        "invite-light",
        "invite-dark",
        "invite-16-dark",
        "invite-16-light",
        "nord",
        "gruvbox",
        "dracula",
        "solarized-light",
    ):
        assert name in page and name in app_over().available_themes


async def test_an_own_key_works_and_stands_in_the_footer_the_help_and_the_way(folder: Path, own: Path) -> None:
    (own / "app.toml").write_text('[keys]\nrehearse = "ctrl+n"\n')
    async with driven("attendees.csv", environment=kept_in(own), size=(120, 60)) as pilot:
        assert "^n rehearse" in seen(pilot) and "d rehearse" not in seen(pilot)
        assert "next  ^n writes every message" in seen(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: "  ^n" in seen(pilot))
        await pilot.press("escape", "d", "ctrl+n")
        await until(pilot, lambda: "Rehearsal finished" in seen(pilot))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[keys\n", "cannot be read"),
        ('[keys]\nsendd = "S"\n', "there is nothing called “sendd”"),
        ('[keys]\nsend = "enter"\n', "not one that moves"),
        ("[keys]\nsend = 7\n", "in quotation marks"),
        ('[keys]\nsend = "d"\n', "which is rehearse"),
        ('[keys]\nsend = "S"\nrehearse = "S"\n', "which is"),
        ("colour = 1\n", "knows no “colour”"),
    ],
)
def test_a_wrong_line_among_the_keys_is_said_and_left_out(own: Path, text: str, complaint: str) -> None:
    (own / "app.toml").write_text(text)
    said = preferences.load(own / "app.toml")
    assert complaint in " ".join(said.complaints)
    assert "send" not in said.keys or text.count("=") == 2


def test_two_keys_can_change_places(own: Path) -> None:
    (own / "app.toml").write_text('[keys]\nsend = "d"\nrehearse = "s"\n')
    said = preferences.load(own / "app.toml")
    assert said.keys == {"send": "d", "rehearse": "s"} and not said.complaints


async def test_a_theme_that_was_chosen_is_there_the_next_time_and_the_rest_of_the_file_stays(
    folder: Path, own: Path
) -> None:
    (own / "app.toml").write_text('# mine\n[keys]\nsend = "S"\n')
    async with driven("attendees.csv", environment=kept_in(own)) as pilot:
        pilot.app.theme = "invite-light"
        await pilot.pause()
    assert "# mine" in (own / "app.toml").read_text()
    async with driven("attendees.csv", environment=kept_in(own)) as pilot:
        assert pilot.app.theme == "invite-light"
        assert app_of(pilot).keys == {"send": "S"}


async def test_the_palette_finds_people_in_any_column_and_goes_to_them(folder: Path) -> None:
    async with driven("attendees.csv", size=(120, 40)) as pilot:
        await pilot.press("f", "ctrl+p")
        await typed(pilot, "zoe.fair")
        await until(pilot, lambda: "Zoë Fairweather" in seen(pilot).split("zoe.fair")[1])
        await pilot.press("enter")
        await composed(pilot)
        selected = app_of(pilot).main.selected
        assert selected is not None and selected.name == "Zoë Fairweather"


async def test_the_palette_finds_files_and_opens_them(folder: Path) -> None:
    async with driven("attendees.csv", size=(140, 40)) as pilot:
        await by_name(pilot, "correction.md")
        await until(pilot, lambda: "As it will be" in seen(pilot) and "correction.md" in seen(pilot))
        await pilot.press("escape")
        await by_name(pilot, "event.toml")
        await until(pilot, lambda: "Time zone" in seen(pilot))


async def test_what_was_open_lately_is_offered_and_only_while_it_is_there(folder: Path, own: Path) -> None:
    async with driven("attendees.csv", environment=kept_in(own)) as pilot:
        await until(pilot, (own / recent.FILE).exists)
    assert json.loads((own / recent.FILE).read_text()) == [[str(folder / "attendees.csv")]]
    (own / recent.FILE).write_text(json.dumps([[str(folder / "attendees.csv")], [str(folder / "gone.csv")], 7]))
    async with app_over(environment=kept_in(own)).run_test(size=(100, 34)) as pilot:
        await until(pilot, lambda: "Open lately" in seen(pilot))
        assert "gone.csv" not in seen(pilot)
        await pilot.press("home", "down", "enter")
        await opened(pilot)
        assert app_of(pilot).state.files == (str(folder / "attendees.csv"),)


async def test_the_sample_is_not_among_what_was_open_lately(folder: Path, own: Path) -> None:
    async with app_over(environment=kept_in(own)).run_test(size=(100, 34)) as pilot:
        await until(pilot, lambda: "The sample" in seen(pilot))
        await pilot.press("home", "enter")
        await opened(pilot)
    assert not (own / recent.FILE).exists()


def test_a_damaged_file_of_recent_events_is_none(own: Path) -> None:
    for text in ("{", '"x"', '[["relative.csv"]]', "[[1]]", "[]"):
        (own / recent.FILE).write_text(text)
        assert recent.there(own) == []
    if os.name == "posix":
        (own / recent.FILE).unlink()
        recent.remember(own, [str(own / "a.csv")])
        assert (own / recent.FILE).stat().st_mode & 0o077 == 0


async def test_a_new_event_is_made_from_a_list_and_opens_with_its_form(folder: Path, tmp_path: Path) -> None:
    async with app_over().run_test(size=(110, 40)) as pilot:
        await until(pilot, lambda: "A new event" in seen(pilot))
        dialog = pilot.app.screen.query_one(OptionList)
        while "A new event" not in str(dialog.highlighted_option.prompt if dialog.highlighted_option else ""):
            await pilot.press("down")
        await pilot.press("enter")
        await until(pilot, lambda: "New folder" in seen(pilot))
        await typed(pilot, "spring")
        await pilot.press("tab")
        await typed(pilot, "attendees.csv")
        await pilot.press("enter")
        await until(pilot, lambda: "Starts" in seen(pilot) and "Time zone" in seen(pilot))
        assert app_of(pilot).state.files == ("spring/attendees.csv",)
    assert (folder / "spring" / "attendees.csv").read_bytes() == (folder / "attendees.csv").read_bytes()
    assert (folder / "spring" / "templates" / "invitation.md").is_file()


async def test_the_way_says_what_is_next_from_the_first_look_to_the_follow_up(
    few: Path, server: RecordingServer
) -> None:
    server.say("RCPT", "550 5.1.1 No such user", to="dora@example.org")
    async with driven("few.csv", environment=through(server), size=(120, 40)) as pilot:
        assert "▲ Check  1 to fix" in seen(pilot) and "next  f shows what is wrong" in seen(pilot)
        await pilot.click("#banner", offset=(seen(pilot).splitlines()[1].index("f shows"), 0))
        await until(pilot, lambda: "next  a corrects who is selected" in seen(pilot))
        few.write_text(few.read_text().replace("cid@@", "cid@"))  # noqa: ASYNC240 - a moment
        await pilot.press("f5")
        await until(pilot, lambda: "▸ Rehearse" in seen(pilot))
        await pilot.click("#way", offset=(seen(pilot).splitlines()[2].index("Rehearse"), 0))
        await until(pilot, lambda: "✓ Rehearse" in seen(pilot) and "▸ Send  4 ready" in seen(pilot))
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "4")
        await pilot.press("enter")
        await until(pilot, lambda: "✓ Send" in seen(pilot))
        assert "▲ Follow up  3 sent  1 refused" in seen(pilot)
        assert "next  f shows whom to look after" in seen(pilot)


def test_there_is_no_way_while_nothing_is_open() -> None:
    assert steps(State()) == () and next_step(()) is None


async def test_a_command_that_cannot_be_done_now_is_not_offered(folder: Path) -> None:
    async with driven("attendees.csv", size=(120, 40)) as pilot:
        await pilot.press("ctrl+p")
        await typed(pilot, "Pause")
        await until(pilot, lambda: "No matches found" in seen(pilot))
        await pilot.press("escape", "escape")
        await by_name(pilot, "Columns of the list")
        await until(pilot, lambda: "the e-mail address" in seen(pilot))
        await pilot.press("ctrl+p")  # over a dialog there is no command at all
        await until(pilot, lambda: "Esc closes this first" in seen(pilot))


async def test_enter_takes_what_is_found_for_the_words_that_were_typed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is pressed before anything is found: not what was found for fewer letters."""
    slowly = Palette.search

    async def search(self: Palette, query: str) -> Hits:
        await asyncio.sleep(0.2)
        async for hit in slowly(self, query):
            yield hit

    monkeypatch.setattr(Palette, "search", search)
    async with driven("few.csv") as pilot:
        await pilot.press("ctrl+p")
        await pilot.press(*"help", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Help))

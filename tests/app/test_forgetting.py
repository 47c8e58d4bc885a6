"""Forgetting people in the app: from the palette, over the number, to what still names them."""

from pathlib import Path

import pytest
from textual.widgets import Button, Input

from tests.app.driving import Driven, app_of, by_name, composed, driven, seen, sent_to_everybody, through, typed, until
from tests.events import event_file
from tests.servers.recording import RecordingServer
from tui.app.screens.dialog import PageDialog
from tui.app.screens.forgetting import ConfirmForgetting
from tui.folder import open_folder
from tui.forgetting import Whom, forget, whom


@pytest.fixture
def sent(tmp_path: Path, server: RecordingServer) -> tuple[Path, dict[str, str]]:
    """An event of three people, of whom everybody was sent their invitation; and the account's environment."""
    (tmp_path / "event.toml").write_text(event_file(day="2037-05-06"))
    people = "".join(f"Guest {name},guest-{name.lower()}@example.org\n" for name in "ABC")
    (tmp_path / "attendees.csv").write_text(f"Name,Email\n{people}")
    sent_to_everybody(tmp_path / "attendees.csv", server)
    return tmp_path, through(server)


async def asked(pilot: Driven, title: str) -> None:
    await by_name(pilot, title)
    await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmForgetting))


async def test_the_selected_person_is_forgotten_once_the_number_is_typed(sent: tuple[Path, dict[str, str]]) -> None:
    folder, environment = sent
    async with driven(folder / "attendees.csv", environment=environment) as pilot:
        await asked(pilot, "Forget")
        shown = seen(pilot)
        assert "Guest A <guest-a@example.org>  invite, sent" in shown and "cannot be undone" in shown
        assert "1 person may hold an invitation" in " ".join(shown.split())
        await typed(pilot, "2")
        assert pilot.app.screen.query_one("#go", Button).disabled
        await pilot.press("backspace")
        await typed(pilot, "1")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PageDialog))
        await until(pilot, lambda: "1 person is forgotten" in seen(pilot) and "named in files" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: len(app_of(pilot).state.survey.people) == 2)
        await composed(pilot)
        action = app_of(pilot).state.survey.actions["guest-a@example.org"][0]
        assert (action.action, action.kind) == ("none", "forgotten")
        assert "∅ Guest A" in seen(pilot) and "forgotten" in seen(pilot)
        assert app_of(pilot).state.survey.ready == 0, "a send would not invite them anew"
    assert b"guest-a@example.org" not in (folder / "event.ledger.db").read_bytes()


async def test_everybody_is_forgotten_and_escape_forgets_nobody(sent: tuple[Path, dict[str, str]]) -> None:
    folder, environment = sent
    async with driven(folder / "attendees.csv", environment=environment) as pilot:
        await asked(pilot, "Forget everybody")
        assert "Type the number of people, 3" in seen(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is app_of(pilot).main)
        assert len(open_folder([], event=str(folder)).people()) == 3
        await asked(pilot, "Forget everybody")
        pilot.app.screen.query_one(Input).focus()
        await typed(pilot, "3")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PageDialog))
        assert "3 people are forgotten" in seen(pilot)
    assert open_folder([], event=str(folder)).people() == {}


async def test_what_stands_in_the_way_is_said(sent: tuple[Path, dict[str, str]]) -> None:
    folder, environment = sent
    async with driven(folder / "attendees.csv", environment=environment) as pilot:
        with open_folder([], event=str(folder)).ledger_to_write():
            await asked(pilot, "Forget")
            await typed(pilot, "1")
            await pilot.press("enter")
            await until(pilot, lambda: "Another run is using" in seen(pilot))
    assert len(open_folder([], event=str(folder)).people()) == 3


async def test_who_was_to_be_kept_until_a_day_that_is_over_is_told_of_with_the_way_to_forget_them(
    sent: tuple[Path, dict[str, str]],
) -> None:
    folder, environment = sent
    over = event_file(day="2020-05-06").replace("[event]", "[event]\nkeep_until = 2020-06-30")
    (folder / "event.toml").write_text(over)
    async with driven(folder / "attendees.csv", environment=environment, size=(120, 30)) as pilot:
        assert " DUE  3 people were to be kept until Tuesday 30 June 2020 only" in seen(pilot)
        await pilot.click("#due Chip")
        await until(pilot, lambda: "Type the number of people, 3" in seen(pilot))
        await typed(pilot, "3")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PageDialog))
        await pilot.press("escape")
        await until(pilot, lambda: "DUE" not in seen(pilot))
    assert open_folder([], event=str(folder)).people() == {}


def test_who_was_added_between_the_question_and_the_answer_is_not_forgotten(sent: tuple[Path, dict[str, str]]) -> None:
    from tui.errors import ConfirmationError

    folder = open_folder([], event=str(sent[0]))
    chosen = whom(folder, None)
    fewer = Whom(chosen.people[:2], is_everybody=True)
    with pytest.raises(ConfirmationError, match="changed meanwhile"):
        forget(folder, fewer)
    assert len(folder.people()) == 3

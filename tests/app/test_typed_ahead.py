"""Whoever types faster than a dialog opens: what was typed reaches the dialog or nothing."""

from pathlib import Path

from textual.command import CommandPalette
from textual.events import Key
from textual.widgets import Input

from tests.app.driving import Driven, app_of, driven, seen, through, until
from tests.servers.recording import RecordingServer
from tui.app.pages import PAGES


def at_once(pilot: Driven, keys: str) -> None:
    """As a terminal hands over what was typed while the program was busy; "\\r" is Enter, "\\x1b" Escape."""
    names = {"\r": "enter", "\x1b": "escape"}
    for key in keys:
        pilot.app.post_message(Key(names.get(key, key), key))


def typed_into(pilot: Driven) -> str:
    focused = pilot.app.focused
    return focused.value if isinstance(focused, Input) else ""


async def test_keys_typed_at_once_reach_the_dialog_that_they_open_and_never_the_list(
    held: Path, server: RecordingServer
) -> None:
    (held / "few.csv").write_text((held / "few.csv").read_text() + "Eve,eve@example.org,staff,w\n")
    server.messages.clear()
    async with driven("few.csv", environment=through(server), size=(120, 40)) as pilot:
        app = app_of(pilot)
        # The number waits for the dialog, and Enter for somebody who has seen it; 1 and 5 are pages of the message.
        at_once(pilot, "s1\r5")
        await until(pilot, lambda: typed_into(pilot) == "1")
        assert "Type the number of messages, 1," in seen(pilot)
        assert app.main.message.tabs.current == PAGES[0] and not server.messages

        at_once(pilot, "\x1b")
        await until(pilot, lambda: app.screen is app.main)
        at_once(pilot, "a5qs@example.org")  # a form that is there without anything being worked out
        await until(pilot, lambda: typed_into(pilot) == "5qs@example.org")  # in place of hers

        at_once(pilot, "\x1b")
        await until(pilot, lambda: app.screen is app.main)
        at_once(pilot, "s5\x1b5")  # given up: there is no dialog, and what comes after is for the list
        await until(pilot, lambda: app.main.message.tabs.current == PAGES[4])
        assert app.screen is app.main and not app.state.busy


async def test_keys_for_a_dialog_that_does_not_come_do_nothing(held: Path, server: RecordingServer) -> None:
    async with driven("few.csv", environment=through(server), size=(120, 40)) as pilot:
        app = app_of(pilot)
        at_once(pilot, "s5q\r")
        await until(pilot, lambda: "Nothing to send" in seen(pilot))
        assert app.screen is app.main and app.main.message.tabs.current == PAGES[0]
        at_once(pilot, "5")
        await until(pilot, lambda: app.main.message.tabs.current == PAGES[4])
        pilot.app.post_message(Key("ctrl+p", None))
        at_once(pilot, "Plan")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette) and typed_into(pilot) == "Plan")

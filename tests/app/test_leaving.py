"""The terminal closes, the system ends the app in the middle of a run, or the app itself is at fault."""

import os
import signal
from pathlib import Path

import pytest

from tests.app.driving import through
from tests.app.terminal import Terminal
from tests.servers.recording import RecordingServer
from tui.ledger import open_to_read

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a pty")


def sending(server: RecordingServer) -> Terminal:
    """The app in the middle of a run, at two messages a second."""
    # Not a session leader: nobody sends it SIGHUP, and it must find out for itself.
    terminal = Terminal("attendees.csv", environment=through(server, PER_MINUTE="120"), leads=False)
    terminal.until("Dear ")
    terminal.press("s")
    terminal.until("Type the number")
    terminal.press("55\r")
    terminal.wait(lambda: len(server.messages) >= 2)
    return terminal


def _is_recorded(folder: Path, server: RecordingServer) -> None:
    with open_to_read(folder / "event.ledger.db") as ledger:
        outcomes = [person.outcome for person in ledger.people().values()]
    assert len(outcomes) == 55
    assert outcomes.count("accepted") == len(server.messages) < 55
    assert outcomes.count("unsent") == 55 - len(server.messages)


def test_a_terminal_that_closes_ends_the_app_with_everything_recorded(folder: Path, server: RecordingServer) -> None:
    with sending(server) as terminal:
        terminal.close()
        assert terminal.process.wait(60) == 130
    _is_recorded(folder, server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_app_with_everything_recorded_and_the_terminal_as_it_was(
    folder: Path, server: RecordingServer, number: signal.Signals
) -> None:
    with sending(server) as terminal:
        assert not terminal.is_left_as_it_was()
        terminal.process.send_signal(number)
        assert terminal.ended() == 130
        assert terminal.is_left_as_it_was()
    _is_recorded(folder, server)


_FAULTY = """\
import sys
from tui.app.app import InviteApp
from tui.cli import main

def show_help(app):
    somebody = app.main.selected
    raise ValueError("no \\x1b]0;title\\x07")

InviteApp.show_help = show_help
sys.exit(main(sys.argv[1:]))
"""


def test_a_fault_of_the_program_leaves_the_terminal_as_it_was_and_tells_nothing_of_people(folder: Path) -> None:
    with Terminal("attendees.csv", program=("-c", _FAULTY)) as terminal:
        terminal.until("Dear ")
        terminal.press("?")
        assert terminal.ended() == 1
        assert terminal.is_left_as_it_was()
        said = bytes(terminal.written).rpartition(b"\x1b[?1049l")[2].decode()
    assert "ValueError: no ␛]0;title␇" in said and "Please report it." in said
    assert "@example" not in said

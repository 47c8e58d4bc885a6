"""The terminal closes, or the system ends the app, in the middle of a run."""

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.servers.recording import RecordingServer
from tui.ledger import open_to_read

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a pty")


class Terminal:
    """The app on a terminal of its own, with an account that sends ten messages a second."""

    def __init__(self, server: RecordingServer) -> None:
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "INVITE_TUI_SMTP_HOST": "localhost",
            "INVITE_TUI_SMTP_PORT": str(server.port),
            "INVITE_TUI_SMTP_SECURITY": "none",
            "INVITE_TUI_SMTP_PER_MINUTE": "600",
        }
        command = [sys.executable, "-m", "tui", "attendees.csv"]
        # Not a session leader: nobody sends it SIGHUP, and it must find out for itself.
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        self.output = bytearray()

    def until(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + 40
        while not done():
            assert time.monotonic() < end, bytes(self.output[-3000:])
            if select.select([self.master], [], [], 0.02)[0]:
                with suppress(OSError):
                    self.output += os.read(self.master, 65536)

    def send_all(self, server: RecordingServer) -> None:
        self.until(lambda: b"Dear " in self.output)
        self.output.clear()
        os.write(self.master, b"s")
        self.until(lambda: b"55" in self.output and b"Type" in self.output)
        os.write(self.master, b"55\r")
        self.until(lambda: len(server.messages) >= 5)


def _is_recorded(folder: Path, server: RecordingServer) -> None:
    with open_to_read(folder / "event.ledger.db") as ledger:
        outcomes = [person.outcome for person in ledger.people().values()]
    assert len(outcomes) == 55
    assert outcomes.count("accepted") == len(server.messages) < 55
    assert outcomes.count("unsent") == 55 - len(server.messages)


def test_a_terminal_that_closes_ends_the_app_with_everything_recorded(folder: Path, server: RecordingServer) -> None:
    terminal = Terminal(server)
    try:
        terminal.send_all(server)
        os.close(terminal.master)
        assert terminal.process.wait(20) == 130
    finally:
        terminal.process.kill()
        terminal.process.wait()
    _is_recorded(folder, server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_app_with_everything_recorded(
    folder: Path, server: RecordingServer, number: signal.Signals
) -> None:
    terminal = Terminal(server)
    try:
        terminal.send_all(server)
        terminal.process.send_signal(number)
        terminal.until(lambda: terminal.process.poll() is not None)
        assert terminal.process.returncode == 130
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.master)
    _is_recorded(folder, server)

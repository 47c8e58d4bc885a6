"""From the start of the process until the app has painted its first attendee, in a real pseudo-terminal, beside a bare
Textual app that paints one word. Goal: at most 2x."""

import csv
import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

from bench.measure import interleaved
from tui import data

BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    def compose(self):
        yield Static("marker")

Bare().run()
"""
ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|.)", re.DOTALL)


def painted(marker: str, *command: str, patience: float = 30) -> Callable[[], float]:
    """Seconds until `marker` can be read on a terminal of 140x45 that runs `command`."""

    def measure() -> float:
        start = time.perf_counter()
        process, terminal = pty.fork()
        if process == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(command[0], command)
        try:
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 140, 0, 0))
            seen = b""
            while marker.encode() not in ESCAPES.sub(b"", seen):
                if time.perf_counter() - start > patience:
                    raise TimeoutError(f"{' '.join(command)} never painted {marker!r}")
                seen += os.read(terminal, 65536)
            return time.perf_counter() - start
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            os.close(terminal)

    return measure


def first_name(attendees: Path) -> str:
    with attendees.open(encoding="utf-8-sig", newline="") as file:
        record = next(csv.DictReader(file))
    return record["Name"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        event = shutil.copytree(data.samples(), Path(folder) / "event")
        attendees = event / "attendees.csv"
        ours = str(Path(sys.executable).with_name("invite-tui"))
        kept = interleaved(
            "First paint",
            {
                "bare Textual app": painted("marker", sys.executable, "-c", BARE),
                "the empty frame": painted("Attendees", ours, str(attendees)),
                "the first attendee": painted(first_name(attendees), ours, str(attendees)),
            },
            rounds=15,
            goals={"the first attendee": 2.0},
        )
    sys.exit(not kept)

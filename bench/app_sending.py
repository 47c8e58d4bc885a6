"""Sending from the app beside sending from the command line: messages a second, and how soon a key is answered.

Both run on a terminal, send the same list through Postfix's smtp-sink with eight connections, and are timed by what
their ledgers say: from the first attempt to the last answer. In the app the cursor is moved four times a second; a key
is answered when the row it leads to is drawn with the cursor on it. Goals: 80 % of the command line's rate; 95 of 100
keys within 50 ms, or within twice what they take while nothing is sent, where the machine itself is slower than that.
The processor's time for 1,000 messages is told as well: where others share the machine it is the steadier figure.
"""

import csv
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from fcntl import ioctl
from pathlib import Path

from bench.delivery import sink
from tui import data

COUNT = 5_000
ROUNDS = 3
WIDTH, HEIGHT = 140, 45
DOWN = b"\x1b[B"
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;:?<=>]*[A-Za-z]|[()][A-Z0-9]|[=>78])")


def name_of(row: int) -> str:
    return f"Guest {row:05}"


def make(folder: Path) -> Path:
    shutil.copytree(data.samples(), folder, dirs_exist_ok=True)
    for left in folder.glob("event.ledger*"):
        left.unlink()
    path = folder / "guests.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = ((name_of(row), f"guest{row}@example.org", "public") for row in range(COUNT))
        csv.writer(file).writerows([("Name", "Email", "Audience"), *rows])
    return path


@contextmanager
def on_a_terminal(*words: str, port: int) -> Iterator[tuple[int, int]]:
    """The terminal, and the process on it."""
    said = {"HOST": "127.0.0.1", "PORT": str(port), "SECURITY": "none", "CONNECTIONS": "8"}
    process, master = pty.fork()
    if process == 0:
        os.environ.update({f"INVITE_TUI_SMTP_{name}": value for name, value in said.items()})
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "tui", *words])
    ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    try:
        yield master, process
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(master)


def heard(master: int, seconds: float) -> bytes:
    """What comes within that time, as soon as anything does; b"" also where nobody is there any more."""
    if select.select([master], [], [], max(0.0, seconds))[0]:
        with suppress(OSError):
            return os.read(master, 1 << 20)
    return b""


def until(master: int, words: str, seconds: float = 120.0) -> None:
    seen, end = b"", time.perf_counter() + seconds
    while words.encode() not in _ESCAPES.sub(b"", seen):
        if time.perf_counter() > end:
            raise SystemExit(f"“{words}” never came: {_ESCAPES.sub(b'', seen)[-2000:].decode('utf-8', 'replace')}")
        seen = seen[-200_000:] + heard(master, 0.5)


def rate(ledger: Path) -> float | None:
    """Messages a second, None until all of them are settled."""
    if not ledger.exists():
        return None
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as db:
        count, first, last = db.execute(
            "SELECT count(settled_at), min(started_at), max(settled_at) FROM attempt WHERE outcome = 'accepted'"
        ).fetchone()
        if count == COUNT:
            taken = datetime.fromisoformat(last) - datetime.fromisoformat(first)
            return COUNT / taken.total_seconds()
    return None


def processor(process: int) -> float:
    """Seconds of the processor that it has used so far; 0.0 where the system does not tell."""
    with suppress(OSError):
        user, system = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def command_line(path: Path, port: int) -> tuple[float, float]:
    """Messages a second, and seconds of the processor for 1,000 of them."""
    ledger = path.parent / "event.ledger.db"
    with on_a_terminal("send", str(path), "--confirm", str(COUNT), port=port) as (master, process):
        until(master, "Sending through")
        before, found = processor(process), None
        while found is None:
            heard(master, 0.1)
            found = rate(ledger)
        return found, (processor(process) - before) / COUNT * 1000


class Keys:
    """Moves the cursor down, again and again, and takes the time until the next row is drawn with it."""

    def __init__(self, master: int) -> None:
        self._master, self._row, self._seen = master, 0, b""
        self.taken: list[float] = []

    def press(self) -> None:
        while heard(self._master, 0.0):
            pass  # what was drawn before says nothing of this key
        self._row += 1
        wanted = re.compile(f"▌.{{1,8}}{name_of(self._row)}".encode())
        pressed, seen = time.perf_counter(), b""
        os.write(self._master, DOWN)
        while not wanted.search(_ESCAPES.sub(b"", seen)):
            if time.perf_counter() - pressed > 10:
                raise SystemExit("a key was never answered")
            seen += heard(self._master, 1.0)
        self.taken.append(time.perf_counter() - pressed)
        end = time.perf_counter() + 0.2
        while (left := end - time.perf_counter()) > 0:
            heard(self._master, left)  # a terminal that nobody reads would hold the app up


def app(path: Path, port: int) -> tuple[float, float, list[float], list[float]]:
    """The same, and the keys' times in seconds: at rest and while it sends."""
    ledger = path.parent / "event.ledger.db"
    with on_a_terminal(str(path), port=port) as (master, process):
        until(master, f"{COUNT:,} ready")
        time.sleep(0.5)
        keys = Keys(master)
        for _ in range(20):
            keys.press()
        rest, keys.taken = keys.taken, []
        os.write(master, b"s")
        until(master, "Type the number")
        os.write(master, str(COUNT).encode())
        until(master, "Enter sends")
        os.write(master, b"\r")
        until(master, "Sending")
        before, found = processor(process), None
        while found is None:
            keys.press()
            found = rate(ledger)
        return found, (processor(process) - before) / COUNT * 1000, rest, keys.taken


def p95(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)] * 1000


def main() -> bool:
    if not shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"):
        print("Not measured: smtp-sink of Postfix is not installed (Debian: postfix).")
        return False
    lines, apps, rest, sending = list[float](), list[float](), list[float](), list[float]()
    costs: tuple[list[float], list[float]] = [], []
    with sink() as port:
        for turn in range(ROUNDS):
            # Whoever always comes last would have all that the machine is slowed down by meanwhile.
            for is_app in (turn % 2 == 1, turn % 2 == 0):
                with tempfile.TemporaryDirectory() as folder:
                    path = make(Path(folder) / "event")
                    if is_app:
                        found, cost, still, busy = app(path, port)
                        rest += still
                        sending += busy
                    else:
                        found, cost = command_line(path, port)
                    (apps if is_app else lines).append(found)
                    costs[is_app].append(cost)
    ratio = statistics.median(apps) / statistics.median(lines)
    load = f"load {os.getloadavg()[0]:.0f}" if hasattr(os, "getloadavg") else "load not known"
    print(f"{COUNT:,} messages, a second (median of {ROUNDS}, by turns; {load})")
    print(f"  command line {statistics.median(lines):8.0f}")
    print(f"  app          {statistics.median(apps):8.0f}   {ratio:.2f} of it   goal 0.80: {verdict(ratio >= 0.8)}")
    line_cost, app_cost = map(statistics.median, costs)
    print(f"  processor seconds for 1,000: command line {line_cost:.2f}, app {app_cost:.2f}")
    goal = max(50.0, 2 * p95(rest))
    print(f"Keys, from the press to the row that it leads to ({len(sending):,} while it sends)")
    print(f"  at rest      median {statistics.median(rest) * 1000:5.0f} ms   p95 {p95(rest):5.0f} ms")
    print(
        f"  sending      median {statistics.median(sending) * 1000:5.0f} ms   p95 {p95(sending):5.0f} ms   "
        f"longest {max(sending) * 1000:.0f} ms   "
        f"goal {goal:.0f} ms: {verdict(p95(sending) <= goal)}"
    )
    return ratio >= 0.8 and p95(sending) <= goal


def verdict(is_kept: bool) -> str:
    return "kept" if is_kept else "MISSED"


if __name__ == "__main__":
    sys.exit(not main())

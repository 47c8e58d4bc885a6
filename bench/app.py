"""The app over a million rows beside the same app over 55: first paint, keys, search, memory.

Goals: first paint at most 1.5x; while it loads, keys answered within 50 ms (95 of 100) and no gap between two turns of
the screen of more than 100 ms beyond the machine's own; the first answers to a search within 150 ms; 400 MB.
"""

import json
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

from bench.attendees import clean, make
from bench.first_paint import painted
from bench.measure import interleaved
from tui import data

ROWS = 1_000_000
SEARCHES = ("zzz", "person.777@", "o'brien", "muller", "e", "kim staff")
DOWN = b"\x1b[B"

# In a process of its own: its memory is the app's.
WATCHED = """
import asyncio, json, sys, time
from bench.measure import beat, peak
from tui.app import TURN
from tui.app.app import InviteApp
from tui.app.filtering import View
from tui.app.work import Opening

async def main():
    sys.setswitchinterval(TURN)
    app = InviteApp(Opening((sys.argv[1],), environment={}))
    said = {"searches": {}, "views": {}}
    gaps = []
    async with app.run_test(size=(140, 45)) as pilot:
        heart = asyncio.create_task(beat(gaps))
        begun = time.perf_counter()
        while not app.state.so_far:
            assert app.state.failure is None, app.state.failure
            await asyncio.sleep(0.005)
        said["first rows"] = time.perf_counter() - begun
        while app.state.folder is None:
            assert app.state.failure is None, app.state.failure
            await asyncio.sleep(0.01)
        said["read"] = time.perf_counter() - begun
        while not app.state.checked:
            assert app.state.failure is None, app.state.failure
            await asyncio.sleep(0.01)
        said["checked"] = time.perf_counter() - begun
        while app.main.message.subject is None or app.main.message.subject.view is None:
            await asyncio.sleep(0.01)
        said["message"] = time.perf_counter() - begun
        said["gap"], said["loaded MB"] = max(gaps), peak()
        said["gaps"] = sorted(gaps)[int(len(gaps) * 0.95)]

        async def seen(view, ready):
            start = time.perf_counter()
            app.main.look_at(view)
            first = None
            while app.main.shown != view:
                await asyncio.sleep(0.001)
                if first is None and app.main._shown == view:
                    first = time.perf_counter() - start
            await pilot.pause()
            whole = time.perf_counter() - start
            return first or whole, whole, len(app.main.table._order)

        for query in sys.argv[2:]:
            said["searches"][query] = await seen(View(query), True)
            await seen(View(), True)
        gaps.clear()
        for name, view in {
            "by name": View(order="name"), "by address": View(order="address"), "one group": View(group="staff"),
            "ready, by group": View(standing="ready", order="group"), "by status": View(order="status"),
        }.items():
            said["views"][name] = await seen(view, True)
        said["gap after"] = max(gaps)
        heart.cancel()
    said["MB"] = peak()
    print(json.dumps(said))

asyncio.run(main())
"""

# The machine's own gaps at the same time, which no program can do anything about: the same beat with nothing to do.
IDLE = """
import asyncio, signal
from bench.measure import beat

async def main():
    over, gaps = asyncio.Event(), []
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    heart = asyncio.create_task(beat(gaps))
    await over.wait()
    heart.cancel()
    print(max(gaps))

asyncio.run(main())
"""


@contextmanager
def terminal(attendees: Path) -> Iterator[int]:
    """The app on a terminal of 140x45."""
    process, master = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "tui", str(attendees)])
    try:
        ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 140, 0, 0))
        yield master
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(master)


def read(master: int, until: float, quiet: float) -> bytes:
    """What comes, until nothing has for `quiet` seconds, or to that time."""
    output = b""
    while (left := until - time.perf_counter()) > 0 and select.select([master], [], [], min(left, quiet))[0]:
        output += os.read(master, 65536)
    return output


def keys_while_loading(attendees: Path, seconds: float) -> list[float]:
    """Seconds from each press of the down arrow to the first byte of the answer, from the first row on."""
    taken: list[float] = []
    with terminal(attendees) as master:
        start = time.perf_counter()
        seen = b""
        while b"example.org" not in seen:
            seen += read(master, start + 30, 0.5)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            read(master, end, 0.02)
            pressed = time.perf_counter()
            os.write(master, DOWN)
            if select.select([master], [], [], 2)[0]:
                taken.append(time.perf_counter() - pressed)
            time.sleep(0.02)
    return taken


def told(name: str, value: float, unit: str, goal: float | None = None) -> bool:
    verdict = "" if goal is None else f"   goal {goal:g} {unit}: {'kept' if value <= goal else 'MISSED'}"
    print(f"  {name:<28}{value:9.1f} {unit}{verdict}")
    return goal is None or value <= goal


def p95(taken: list[float]) -> float:
    """Of sorted times."""
    return taken[int(len(taken) * 0.95)]


def main() -> bool:
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        event = shutil.copytree(data.samples(), Path(folder) / "event")
        few, many = event / "few.csv", event / "many.csv"
        settings = event / "event.toml"
        settings.write_text(settings.read_text(encoding="utf-8").replace('"Audience"', '"Group"'), encoding="utf-8")
        make(few, 55, clean)
        make(many, ROWS, clean)
        ours = str(Path(sys.executable).with_name("invite-tui"))
        name = few.read_text(encoding="utf-8").splitlines()[1].partition(",")[0]
        kept &= interleaved(
            "First paint of the first attendee",
            {"55 rows": painted(name, ours, str(few)), f"{ROWS:,} rows": painted(name, ours, str(many))},
            rounds=9,
            goals={f"{ROWS:,} rows": 1.5},
        )
        print("Keys, from the press to the first byte of the answer")
        rest, loading = (sorted(keys_while_loading(file, 6)) for file in (few, many))
        for words, taken in (("55 rows, at rest", rest), (f"{ROWS:,} rows, loading", loading)):
            told(f"{words}: median", statistics.median(taken) * 1000, "ms")
        told("55 rows, at rest: p95", p95(rest) * 1000, "ms")
        # On a busy machine neither is within the goal: then loading may take a quarter more than being at rest.
        kept &= told(f"{ROWS:,} rows, loading: p95", p95(loading) * 1000, "ms", max(50.0, p95(rest) * 1250))
        idle = subprocess.Popen([sys.executable, "-c", IDLE], stdout=subprocess.PIPE, text=True)
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, str(many), *SEARCHES], capture_output=True, text=True, check=True
        )
        idle.terminate()
        machines = float(idle.communicate()[0])
        said = json.loads(done.stdout)
        print(f"{ROWS:,} rows, from the empty screen on")
        for what in ("first rows", "read", "checked", "message"):
            told(what, said[what] * 1000, "ms")
        told("95 of 100 gaps at most", said["gaps"] * 1000, "ms")
        told("the machine's longest gap", machines * 1000, "ms")
        kept &= told("the screen's, beyond that", max(0.0, said["gap"] - machines) * 1000, "ms", 100)
        print("Searches, to the first rows on the screen (and to the last)")
        for query, (first, whole, rows) in said["searches"].items():
            kept &= told(f"{query} ({rows:,}; {whole * 1000:.0f} ms)", first * 1000, "ms", 150)
        print("Sorted and narrowed")
        for view, (_, whole, rows) in said["views"].items():
            told(f"{view} ({rows:,})", whole * 1000, "ms")
        told("longest gap meanwhile", said["gap after"] * 1000, "ms")
        kept &= told("memory, loaded", said["loaded MB"], "MB", 400)
        kept &= told("memory, after all that", said["MB"], "MB", 400)
    return kept


if __name__ == "__main__":
    sys.exit(not main())

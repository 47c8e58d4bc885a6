"""The app follows another desk's run on the same ledger: how long the screen stands still for it, and the memory.

The other desk records as a run does, a thousand messages a second in commits of ten, and has no mail server. Goals: no
gap between two turns of the screen of more than 100 ms beyond the machine's own, and 400 MB, with a million rows;
`python -m bench.app_following 1000000`. It takes a tenth of that if it is told nothing.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.app import IDLE, told
from bench.attendees import clean, make
from tui import data

ROWS = 100_000
SECONDS = 20  # that it goes on once the app knows everybody anew

DESK = """
import sys, time
from datetime import UTC, datetime
from functools import partial
from tui.folder import open_folder
from tui.mailing.letters import Letter, planned_of, revision_of

folder = open_folder([sys.argv[1]], environment={"INVITE_TUI_NAME": "Bo"})
plan, now, digest = folder.plan(skip_errors=True), datetime.now(UTC).replace(microsecond=0), "ab" * 32
print("ready", flush=True)
sys.stdin.readline()
with folder.ledger_to_send() as ledger:
    letters = (Letter(action, revision_of(action, now, ""), digest) for action in plan.to_send)
    ids = ledger.begin("send", "env", plan.digest, map(planned_of, letters), plan.decisions, ())
    print("begun", flush=True)
    last = [None] * 10
    for first in range(0, len(ids), 10):
        begun = time.monotonic()
        calls = [partial(ledger.sending, *one) for one in zip(ids[first : first + 10], [digest] * 10, last)]
        last = [(attempt, "accepted", "250 2.0.0 Ok") for attempt in ledger.in_one_commit(calls)]
        time.sleep(max(0.0, begun + 0.01 - time.monotonic()))
"""

# In a process of its own: its memory is the app's.
APP = """
import asyncio, json, sys, time
from bench.measure import beat, peak
from tui.app import TURN
from tui.app.app import InviteApp
from tui.app.work import Opening

async def main():
    sys.setswitchinterval(TURN)
    app = InviteApp(Opening((sys.argv[1],), environment={}))
    gaps = []
    async with app.run_test(size=(140, 45)):
        async def came(what):
            while not what():
                assert app.state.failure is None, app.state.failure
                await asyncio.sleep(0.01)

        await came(lambda: app.state.checked)
        before = peak()
        print("ready", flush=True)
        heart = asyncio.create_task(beat(gaps))
        await came(lambda: app.state.elsewhere)
        begun = time.perf_counter()
        await came(lambda: app.state.survey.people)
        known = time.perf_counter() - begun
        await asyncio.sleep(float(sys.argv[2]))
        heart.cancel()
        run = app.state.elsewhere
        said = {"done": run.done, "known": known, "gap": max(gaps), "before": before, "MB": peak()}
        print(json.dumps(said | {"gaps": sorted(gaps)[int(len(gaps) * 0.95)]}), flush=True)

asyncio.run(main())
"""


def started(program: str, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def heard(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def main(rows: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        event = shutil.copytree(data.samples(), Path(folder) / "event")
        for left in event.glob("event.ledger*"):
            left.unlink()
        make(event / "many.csv", rows, clean)
        desk = started(DESK, str(event / "many.csv"))
        if heard(desk) != "ready":
            raise SystemExit("The other desk could not begin.")
        app = started(APP, str(event / "many.csv"), str(SECONDS))
        if heard(app) != "ready":
            raise SystemExit("The app could not begin.")
        idle = subprocess.Popen([sys.executable, "-c", IDLE], stdout=subprocess.PIPE, text=True)
        assert desk.stdin
        print("go", file=desk.stdin, flush=True)
        said = json.loads(heard(app))
        for process in (idle, desk, app):
            process.terminate()
        machines = float(idle.communicate()[0])
        desk.wait()
        app.wait()
    print(f"{rows:,} rows, and another program's run over all of them: {said['done']:,} done when the app was left")
    told("until everybody was known", said["known"], "s")
    told("95 of 100 gaps at most", said["gaps"] * 1000, "ms")
    told("the machine's longest gap", machines * 1000, "ms")
    kept = told("the screen's, beyond that", max(0.0, said["gap"] - machines) * 1000, "ms", 100)
    told("memory before the run", said["before"], "MB")
    return told("memory", said["MB"], "MB", 400) and kept


if __name__ == "__main__":
    sys.exit(not main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))

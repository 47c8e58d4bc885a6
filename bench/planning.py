"""Planning a send to a long list beside checking it, each in a process of its own; beginning a ledger, and reading it.

Goals: a plan takes at most four times as long as the check before it, and at 200,000 attendees at most 60 MB more than
at 2,000; to record a message at the beginning of a run takes at 200,000 at most a quarter more than at 20,000; of each
person in a ledger at most two kilobytes are kept.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.attendees import clean, make
from tui import data

SIZES = (2_000, 200_000, 1_000_000)
LEDGERS_OF = (20_000, 200_000)
ROUNDS = 3

# The processor's time: what others do on the machine meanwhile is in it least.
PLANNING = """
import json, resource, sys, time
from tui.folder import open_folder

def spent():
    return time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

begun, _ = spent()
folder = open_folder([sys.argv[1]], environment={})
assert not folder.errors
checked, before = spent()
plan = folder.plan()
planned, after = spent()
print(json.dumps({"check": checked - begun, "plan": planned - checked, "MB": after, "more MB": after - before,
                  "count": plan.counts["invite"]}))
"""

# A ledger as a send leaves it, without its messages: they would take longer to make than everything else.
LEDGER = """
import json, resource, secrets, sys, time
from datetime import UTC, datetime
from pathlib import Path
from tui import ledger as ledgers
from tui.folder import open_folder
from tui.ledger import Planned

folder, path = open_folder([sys.argv[1]], environment={}), Path(sys.argv[2])
stamp = datetime.now(UTC).replace(microsecond=0)
plan = folder.plan()
with ledgers.open_for_run(path) as ledger:
    begun = time.process_time()
    ledger.begin("send", "work", plan.digest, (
        Planned(who.key, who.address, who.name, who.group, who.line, who.fields, action.action, action.uid, 0, 0, 0,
                action.facts, f"<{secrets.token_hex(16)}@department.example>", stamp, secrets.token_hex(32))
        for action in plan.to_send for who in [action.attendee]))
    print(json.dumps({"begin": (time.process_time() - begun) / len(plan.to_send)}))
"""
READING = """
import json, resource, sys, time
from pathlib import Path
from tui import ledger as ledgers

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

with ledgers.open_to_read(Path(sys.argv[1])) as ledger:
    one = next(iter(ledger.people_like(sys.argv[2], "").values()))
    before, begun = peak(), time.process_time()
    people = ledger.people()
    read = time.process_time() - begun
    print(json.dumps({"read": read, "bytes": (peak() - before) / len(people), "count": len(people)}))
"""


def run(program: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    said: dict[str, float] = json.loads(done.stdout or "{}")
    return said


def verdict(value: float, goal: float, unit: str) -> bool:
    print(f"    goal {goal:g} {unit}: {'kept' if value <= goal else 'MISSED'} ({value:.2f})")
    return value <= goal


def main() -> bool:
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        event = shutil.copytree(data.samples(), Path(folder) / "event")
        settings = event / "event.toml"
        settings.write_text(settings.read_text(encoding="utf-8").replace('"Audience"', '"Group"'), encoding="utf-8")
        files = {size: event / f"{size}.csv" for size in SIZES}
        for size, file in files.items():
            make(file, size, clean)
        told: dict[int, list[dict[str, float]]] = {size: [] for size in SIZES}
        for _ in range(ROUNDS):
            for size, file in files.items():
                told[size].append(run(PLANNING, str(file)))
        median = {
            size: {what: statistics.median(one[what] for one in rounds) for what in rounds[0]}
            for size, rounds in told.items()
        }
        print(f"A plan of first invitations (processor's time, median of {ROUNDS}, interleaved)")
        for size, said in median.items():
            each = said["plan"] / size * 1e6
            print(
                f"  {size:>9,}  check {said['check']:6.2f} s  plan {said['plan']:6.2f} s  {each:5.1f} µs each"
                f"  {said['MB']:6.0f} MB, of which the plan's {said['more MB']:.0f}"
            )
        largest = median[SIZES[-1]]
        kept &= verdict(largest["plan"] / largest["check"], 4, "times the check, at 1,000,000")
        kept &= verdict(median[200_000]["MB"] - median[2_000]["MB"], 60, "MB above 2,000, at 200,000")
        begun: dict[int, list[float]] = {size: [] for size in LEDGERS_OF}
        for number in range(ROUNDS):
            for size in LEDGERS_OF:
                people, ledger = event / f"{size} invited.csv", event / f"{size}.{number}.ledger.db"
                make(people, size, clean)
                begun[size].append(run(LEDGER, str(people), str(ledger))["begin"])
        few, many = (statistics.median(begun[size]) for size in LEDGERS_OF)
        print(f"Beginning a run: {few * 1e6:.1f} µs each of {LEDGERS_OF[0]:,}, {many * 1e6:.1f} of {LEDGERS_OF[1]:,}")
        kept &= verdict(many / few, 1.25, "times")
        said = run(READING, str(event / f"{LEDGERS_OF[0]}.0.ledger.db"), "person.7@mail7.example.org")
        print(f"A ledger of {LEDGERS_OF[0]:,} people: {said['read'] / LEDGERS_OF[0] * 1e6:.1f} µs each to read")
        kept &= verdict(said["bytes"], 2000, "bytes each")
    return kept


if __name__ == "__main__":
    sys.exit(not main())

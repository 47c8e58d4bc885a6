"""Many messages to a server that fails in every way, as in `tests/mailing/test_soak.py`: `bench/soak.py [N | --full]`.

3 in 100 messages meet each of seven faults (dropped, silence, garbage, half an answer, 421, 450, 550), at a stage by
chance, and as many sessions. Sends are repeated until nothing is left but what was refused or is unknown. Then every
state in the ledger is compared with the server's record. Raises AssertionError where a promise does not hold.

N is 5,000 (a quarter of a minute where nothing else runs), with --full 200,000 over 20 connections (ten minutes). Goal:
memory is flat while a run sends.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.mailing.soaking import soak

FLAT = 10.0
"""Megabytes that a run may grow by from its first tenth to its end: 200,000 outcomes are kept until they are told."""


def main(count: int) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = soak(Path(folder), count, connections=20 if count > 50_000 else 8, seed=count)
    seconds = time.monotonic() - began
    print(f"{count:,} people, {result.runs} run(s), {result.tries:,} tries, {seconds:.0f} s; all promises kept")
    for outcome, number in sorted(result.counts.items()):
        print(f"  {outcome:<12}{number:9,}{number / count:8.1%}")
    for code, number in sorted(result.ends.items()):
        print(f"  run ended: {code:<20}{number:4}")
    growth = max(result.growth, default=0.0)
    verdict = "kept" if growth <= FLAT else "MISSED"
    print(f"  memory from a tenth to the end of a run: +{growth:.1f} MB (goal {FLAT:g}): {verdict}")
    return growth <= FLAT


if __name__ == "__main__":
    given = sys.argv[1] if len(sys.argv) > 1 else "5000"
    sys.exit(not main(200_000 if given == "--full" else int(given)))

"""The ledger alone: what recording a message costs in a file, and in a PostgreSQL on the same disk.

2,000 messages are planned; a run of 20 connections records them, each commit settling 20 and beginning the next 20;
then everybody is read with their history. Read ratios: both wait for the same disk. Over a network each commit costs
two round trips more, whatever it holds. Last, what the server writes for each message.
"""

import sys
import tempfile
import time
from functools import partial
from itertools import count, pairwise, zip_longest
from pathlib import Path

from bench.measure import interleaved
from tests.ledger.test_shared_commits import planned
from tests.servers.authority import Authority
from tests.servers.postgresql import Postgres, missing
from tui.ledger import Outcome, Server, Where, open_for_run

MESSAGES, CONNECTIONS = 2000, 20
STEPS = ("planning", "sending", "reading")
GOALS = {"planning, PostgreSQL": 4.0, "sending, PostgreSQL": 6.0, "reading, PostgreSQL": 2.0}


def measure(where: Where) -> dict[str, float]:
    """Seconds of each step, in a new ledger."""
    outcome: Outcome = "accepted"
    with open_for_run(where) as ledger:
        clock = [time.perf_counter()]
        ids = ledger.begin("send", "work", "digest", map(planned, range(MESSAGES)))
        clock.append(time.perf_counter())
        attempts: list[int] = []
        for at in range(0, MESSAGES, CONNECTIONS):
            some = zip_longest(ids[at : at + CONNECTIONS], attempts)
            attempts = ledger.in_one_commit(
                [
                    partial(
                        ledger.sending,
                        message,
                        "d",
                        (before, outcome, "250 2.0.0 Ok: queued as 4F") if before else None,
                    )
                    for message, before in some
                ]
            )
        clock.append(time.perf_counter())
        ledger.people(history=True)
        clock.append(time.perf_counter())
    return {step: after - before for step, (before, after) in zip(STEPS, pairwise(clock), strict=True)}


def main() -> bool:
    if absent := missing():
        raise SystemExit(absent)
    kept = True
    with tempfile.TemporaryDirectory() as folder, Postgres(Authority(Path(folder))) as server:
        base, number = Server.parse(server.database()), count(1)
        for step in STEPS:
            cases = {
                f"{step}, SQLite": lambda step=step: measure(Path(folder) / f"{next(number)}.db")[step],
                f"{step}, PostgreSQL": lambda step=step: measure(base.for_event(f"{next(number)}"))[step],
            }
            kept &= interleaved(f"{step} {MESSAGES} messages", cases, rounds=5, goals=GOALS)
        before = server.ask("postgres", "SELECT pg_current_wal_lsn()")[0][0]
        measure(base.for_event("written"))
        written = server.ask("postgres", f"SELECT pg_current_wal_lsn() - '{before}'")[0][0]
        print(f"  the server's log: {int(written) / MESSAGES / 1000:.1f} kB a message, the schema's own included")
    return kept


if __name__ == "__main__":
    sys.exit(0 if main() else 1)

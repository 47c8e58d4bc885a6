"""Many senders: attendees planned, handed over in a shared ledger, sent into Postfix's smtp-sink by 1, 2 and 4 workers.

Everything is on this machine: PostgreSQL, the mail server and the workers share its processors, so more workers than
processors only show that they do not stand in each other's way. For each number of workers: messages a second, the
workers' and the database's processor time and the bytes of the write-ahead log for each message, commits for each
message, and the memory of the largest worker, for a tenth of the messages and for all. bench/README.md has the model
that says what many machines would do.

`bench/teams.py` is 20,000 attendees; `bench/teams.py 2000` so many; --full is 1,000,000.
"""

import contextlib
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from bench.delivery import PATH, free_port
from tests.events import event_file
from tests.servers.authority import Authority
from tests.servers.postgresql import Postgres
from tui import workers
from tui.folder import Choices, Folder
from tui.mailing import Control

ROOT = Path(__file__).parents[1]


def main() -> None:
    words = sys.argv[1:]
    count = 1_000_000 if "--full" in words else int(words[0]) if words else 20_000
    with tempfile.TemporaryDirectory() as place, Postgres(Authority(Path(place))) as postgres, sink() as port:
        for number in (1, 2, 4):
            small = measured(Path(place), postgres, port, count // 10, number)
            whole = measured(Path(place), postgres, port, count, number)
            tell(number, count, small, whole)


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """A mail server that takes everything and keeps nothing."""
    port = free_port()
    words = ["smtp-sink", "-u", "nobody"] if os.geteuid() == 0 else ["smtp-sink"]
    taken = subprocess.Popen(
        [*words, f"127.0.0.1:{port}", "1000"],
        env=os.environ | {"PATH": f"{os.environ['PATH']}:{PATH}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        taken.kill()
        taken.wait()


def measured(place: Path, postgres: Postgres, port: int, count: int, number: int) -> dict[str, float]:
    """One run by so many workers, of an event of its own; per message, but for `seconds` and `memory` (kB)."""
    place /= f"{number}-{count}"
    place.mkdir()
    (place / "event.toml").write_text(event_file(f"[sending]\nconnections = {4 * number}\n"), encoding="utf-8")
    with (place / "list.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Email", "Name", "Town"])
        rows.writerows((f"guest{at}@example{at % 97}.org", f"Guest {at}", f"Town {at % 500}") for at in range(count))
    environment = os.environ | {
        "INVITE_TUI_LEDGER": postgres.database(),
        "INVITE_TUI_CONFIG_DIR": str(place / "config"),
        "INVITE_TUI_SMTP_HOST": "127.0.0.1",
        "INVITE_TUI_SMTP_PORT": str(port),
        "INVITE_TUI_SMTP_SECURITY": "none",
        "INVITE_TUI_SMTP_PER_MINUTE": "0",
        "PYTHONPATH": str(ROOT),
    }
    folder = Folder(Choices((str(place / "list.csv"),), event=str(place / "event.toml")), environment)
    began = time.perf_counter()
    workers.hand_over(folder, folder.plan(), control=Control())
    handed = time.perf_counter() - began
    before, began = _database(postgres), time.perf_counter()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tui", "worker", "--until-empty"],
            env=environment,
            cwd=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(number)
    ]
    for one in running:
        one.wait()
    seconds = time.perf_counter() - began
    after, used = _database(postgres), resource.getrusage(resource.RUSAGE_CHILDREN)
    standing = workers.standing(folder)
    assert standing is not None and standing.handover.state == "done", standing
    assert standing.counts["accepted"] == count
    return {
        "handed": handed,
        "seconds": seconds,
        "workers": (used.ru_utime + used.ru_stime - spent.ru_utime - spent.ru_stime) / count,
        "database": (after[0] - before[0]) / count,
        "log": (after[1] - before[1]) / count,
        "commits": (after[2] - before[2]) / count,
        "memory": float(used.ru_maxrss),
    }


def _database(postgres: Postgres) -> tuple[float, float, float]:
    """What it has used so far: seconds of processor time, bytes of the write-ahead log, commits."""
    with psycopg.connect(postgres.address("postgres"), autocommit=True) as connection:
        row = connection.execute(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8, (SELECT sum(xact_commit)::float8"
            " FROM pg_stat_database), current_setting('data_directory')"
        ).fetchone()
    assert row is not None
    leader = (Path(row[2]) / "postmaster.pid").read_text(encoding="utf-8").split()[0]
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            _, _, rest = stat.read_text(encoding="utf-8").rpartition(") ")
            fields = rest.split()
            if leader in (fields[1], stat.parent.name):
                # A server of a session ends with it, and its time is its leader's from then on.
                ticks += sum(map(int, fields[11:15])) if stat.parent.name == leader else sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK"), row[0], row[1]


def tell(number: int, count: int, small: dict[str, float], whole: dict[str, float]) -> None:
    print(
        f"{number} worker(s), {count:,} messages: handed over in {whole['handed']:.1f} s,"
        f" sent in {whole['seconds']:.1f} s, {count / whole['seconds']:,.0f} a second;"
        f" for each: {whole['workers'] * 1e6:.0f} µs of the workers,"
        f" {whole['database'] * 1e6:.0f} µs of the database, {whole['log']:,.0f} bytes of log,"
        f" {whole['commits']:.2f} commits; memory {small['memory'] / 1024:.0f} MB for a tenth,"
        f" {whole['memory'] / 1024:.0f} MB for all",
        flush=True,
    )


if __name__ == "__main__":
    main()

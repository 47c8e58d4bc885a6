"""Many senders: attendees planned, handed over in a shared ledger, sent into Postfix's smtp-sink by 1, 2 and 4 workers.

Everything is on this machine: PostgreSQL, the mail server and the workers share its processors, so more workers than
processors only show that they do not stand in each other's way. They are handed over once, and each number of workers
sends a copy. For each: messages a second, the workers' and the database's processor time and the bytes of the
write-ahead log for each message, commits for each message, and the memory of the largest worker, which is beside that
of one for a tenth of the messages. bench/README.md has the model that says what many machines would do.

`bench/teams.py` is 20,000 attendees, about two minutes; `bench/teams.py 2000` so many; --full is 1,000,000.
"""

import contextlib
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

from bench.delivery import PATH, free_port
from tests.events import event_file
from tests.servers.authority import Authority
from tests.servers.postgresql import Postgres
from tui import workers
from tui.folder import Choices, Folder
from tui.ledger import Server
from tui.mailing import Control

ROOT = Path(__file__).parents[1]


def main() -> None:
    words = sys.argv[1:]
    count = 1_000_000 if "--full" in words else int(words[0]) if words else 20_000
    with tempfile.TemporaryDirectory() as place, Postgres(Authority(Path(place))) as postgres, sink() as port:
        small = Event(Path(place) / "small", postgres, port, count // 10)
        tenth = small.sent_by(1)["memory"]
        whole = Event(Path(place) / "whole", postgres, port, count)
        print(
            f"{count:,} attendees: handed over in {whole.seconds:.0f} s, by a desk of {_own_memory():.0f} MB;"
            f" for a tenth of them a worker has {tenth / 1024:.0f} MB",
            flush=True,
        )
        for number in (1, 2, 4):
            tell(number, count, whole.sent_by(number))


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


class Event:
    """An event that is handed over once, for as many connections as the most workers have; each number of workers sends
    a copy of it."""

    def __init__(self, place: Path, postgres: Postgres, port: int, count: int) -> None:
        place.mkdir()
        self._place, self._postgres, self._count = place, postgres, count
        (place / "event.toml").write_text(event_file("[sending]\nconnections = 16\n"), encoding="utf-8")
        with (place / "list.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["Email", "Name", "Town"])
            rows.writerows(
                (f"guest{at}@example{at % 97}.org", f"Guest {at}", f"Town {at % 500}") for at in range(count)
            )
        address = postgres.database()
        self._database = Server.parse(address).database
        self._environment = os.environ | {
            "INVITE_TUI_LEDGER": address,
            "INVITE_TUI_CONFIG_DIR": str(place / "config"),
            "INVITE_TUI_SMTP_HOST": "127.0.0.1",
            "INVITE_TUI_SMTP_PORT": str(port),
            "INVITE_TUI_SMTP_SECURITY": "none",
            "INVITE_TUI_SMTP_PER_MINUTE": "0",
            "PYTHONPATH": str(ROOT),
        }
        began, folder = time.perf_counter(), self._folder(self._environment)
        workers.hand_over(folder, folder.plan(), control=Control())
        self.seconds = time.perf_counter() - began

    def _folder(self, environment: Mapping[str, str]) -> Folder:
        place = self._place
        return Folder(Choices((str(place / "list.csv"),), event=str(place / "event.toml")), environment)

    def sent_by(self, number: int) -> dict[str, float]:
        """So many workers send a copy; what it took per message, but for `seconds` and `memory` (kB, the largest's)."""
        postgres, copy = self._postgres, f"{self._database}_{number}"
        postgres.ask("postgres", f"CREATE DATABASE {copy} TEMPLATE {self._database}")
        environment = self._environment | {"INVITE_TUI_LEDGER": postgres.address(copy)}
        before, began = _database(postgres), time.perf_counter()
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "tui", "worker", "--until-empty"],
                env=environment,
                cwd=self._place,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(number)
        ]
        used = [os.wait4(one.pid, 0)[2] for one in running]
        seconds, after = time.perf_counter() - began, _database(postgres)
        standing = workers.standing(self._folder(environment))
        assert standing is not None and standing.handover.state == "done", standing
        assert standing.counts["accepted"] == self._count
        postgres.ask("postgres", f"DROP DATABASE {copy}")
        return {
            "seconds": seconds,
            "workers": sum(one.ru_utime + one.ru_stime for one in used) / self._count,
            "database": (after[0] - before[0]) / self._count,
            "log": (after[1] - before[1]) / self._count,
            "commits": (after[2] - before[2]) / self._count,
            "memory": float(max(one.ru_maxrss for one in used)),
        }


def _own_memory() -> float:
    """The most that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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


def tell(number: int, count: int, took: dict[str, float]) -> None:
    print(
        f"{number} worker(s): sent in {took['seconds']:.0f} s, {count / took['seconds']:,.0f} a second; for each:"
        f" {took['workers'] * 1e6:.0f} µs of the workers, {took['database'] * 1e6:.0f} µs of the database,"
        f" {took['log']:,.0f} bytes of log, {took['commits']:.2f} commits; memory {took['memory'] / 1024:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()

"""Many senders: attendees planned, handed over in a shared ledger, sent into Postfix's smtp-sink by 1, 2 and 4 workers.

Everything is on this machine: PostgreSQL, the mail server and the workers share its processors, so more workers than
processors only show that they do not stand in each other's way. They are handed over once, and each number of workers
sends a copy. For each: messages a second, the workers' and the database's processor time and the bytes of the
write-ahead log for each message, commits for each message, and the memory of the largest worker, which is beside that
of one for a tenth of the messages. bench/README.md has the model that says what many machines would do.

`bench/teams.py` is 20,000 attendees, `bench/teams.py 2000` so many, --full 1,000,000. `--workers 4` are four workers
only, `--workers 1 4` one and then four; `--connections 4` what each of them has. What is measured is told when it is,
and how far it is every half minute. After `--at-most SECONDS` for a number of workers, or with Ctrl+C, these are told
to stop, and what they have sent until then is what is told.
"""

import argparse
import contextlib
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.delivery import PATH, free_port
from bench.measure import peak
from tests.events import event_file
from tests.servers.authority import Authority
from tests.servers.postgresql import Postgres
from tui import workers
from tui.folder import Choices, Folder
from tui.ledger import Server
from tui.mailing import Control
from tui.workers.handing import shared

ROOT = Path(__file__).parents[1]
_TELL = 30.0
"""Seconds between two words on how far it is."""

_AS_ANY_SERVER = {"shared_buffers": "512MB", "max_wal_size": "4GB", "autovacuum_naptime": "1min"}
"""What differs from what tests need: a server that is somebody's has more room, and looks after its tables."""


def main() -> None:
    asked = _asked()
    with (
        tempfile.TemporaryDirectory() as place,
        Postgres(Authority(Path(place))) as postgres,
        sink() as port,
        contextlib.suppress(KeyboardInterrupt),
    ):
        for name, value in _AS_ANY_SERVER.items():
            postgres.ask("postgres", f"ALTER SYSTEM SET {name} = '{value}'")
        postgres.restart()
        most = asked.connections * max(asked.workers)
        small = Event(Path(place) / "small", postgres, port, asked.count // 10, most)
        print(f"{small.count:,} attendees: {small.told}", flush=True)
        tell(small.sent_by(1, asked.connections, asked.at_most))
        whole = Event(Path(place) / "whole", postgres, port, asked.count, most)
        print(f"{whole.count:,} attendees: {whole.told}", flush=True)
        for number in asked.workers:
            tell(whole.sent_by(number, asked.connections, asked.at_most))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=20_000)
    parser.add_argument("--full", dest="count", action="store_const", const=1_000_000)
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--at-most", type=float, default=float("inf"), metavar="SECONDS")
    return parser.parse_args()


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


@dataclass(frozen=True, slots=True)
class Taken:
    """What it took to send so many messages; memory in MB, the largest worker's."""

    workers: int
    messages: int
    seconds: float
    of_workers: float
    of_database: float
    log: float
    commits: float
    memory: float


class Event:
    """An event that is handed over once; each number of workers sends a copy of it."""

    def __init__(self, place: Path, postgres: Postgres, port: int, count: int, connections: int) -> None:
        place.mkdir()
        self._place, self._postgres, self.count = place, postgres, count
        more = f"[sending]\nconnections = {connections}\n"
        (place / "event.toml").write_text(event_file(more), encoding="utf-8")
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
        self._schema = shared(folder).schema
        planned = folder.plan()
        at = time.perf_counter()
        workers.hand_over(folder, planned, control=Control())
        self.told = (
            f"planned in {at - began:.0f} s, handed over in {time.perf_counter() - at:.0f} s,"
            f" by a desk of {peak():.0f} MB"
        )

    def _folder(self, environment: Mapping[str, str]) -> Folder:
        place = self._place
        return Folder(Choices((str(place / "list.csv"),), event=str(place / "event.toml")), environment)

    def sent_by(self, number: int, connections: int, at_most: float) -> Taken:
        """So many workers send a copy."""
        postgres, copy = self._postgres, f"{self._database}_{number}"
        postgres.ask("postgres", f"CREATE DATABASE {copy} TEMPLATE {self._database}")
        environment = self._environment | {"INVITE_TUI_LEDGER": postgres.address(copy)}
        before, began = _database(postgres), time.perf_counter()
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "tui", "worker", "--until-empty", "--connections", str(connections)],
                env=environment,
                cwd=self._place,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl+C is for this process, which tells them
            )
            for _ in range(number)
        ]
        is_cut_short = not self._is_over(running, copy, at_most)
        used = [os.wait4(one.pid, 0)[2] for one in running]
        seconds, after = time.perf_counter() - began, _database(postgres)
        standing = workers.standing(self._folder(environment))
        assert standing is not None
        messages = standing.counts["accepted"]
        assert is_cut_short or (messages, standing.handover.state) == (self.count, "done"), standing
        assert sum(standing.counts.values()) == self.count and not standing.counts["unknown"], standing
        postgres.ask("postgres", f"DROP DATABASE {copy}")
        of_database, log, commits = (now - then for now, then in zip(after, before, strict=True))
        of_workers = sum(one.ru_utime + one.ru_stime for one in used)
        memory = max(one.ru_maxrss for one in used) / 1024
        return Taken(number, messages, seconds, of_workers, of_database, log, commits, memory)

    def _is_over(self, running: Sequence["subprocess.Popen[bytes]"], copy: str, at_most: float) -> bool:
        """Waits until the workers have ended, and says how far they are; False where they were told to."""
        began, is_over = time.monotonic(), True
        told_at, asks = began, f"SELECT count(*) FROM {self._schema}.attempt"
        try:
            while any(os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None for one in running):
                time.sleep(0.2)
                now = time.monotonic()
                if now - began > at_most:
                    raise KeyboardInterrupt
                if now - told_at >= _TELL:
                    told_at = now
                    ((count,),) = self._postgres.ask(copy, asks)
                    print(f"  {count:,} after {now - began:.0f} s", flush=True)
        except KeyboardInterrupt:
            is_over = False
            for one in running:
                one.send_signal(signal.SIGTERM)
            if time.monotonic() - began <= at_most:
                print("  cut short", flush=True)
        return is_over


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


def tell(took: Taken) -> None:
    count = max(took.messages, 1)
    by_workers, by_database = (seconds / count * 1e6 for seconds in (took.of_workers, took.of_database))
    print(
        f"{took.workers} worker(s): {took.messages:,} sent in {took.seconds:.0f} s,"
        f" {took.messages / took.seconds:,.0f} a second; for each: {by_workers:.0f} µs of the workers,"
        f" {by_database:.0f} µs of the database, {took.log / count:,.0f} bytes of log,"
        f" {took.commits / count:.2f} commits; memory {took.memory:.0f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()

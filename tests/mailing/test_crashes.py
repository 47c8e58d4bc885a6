"""Real processes that are killed, against a real server and a real ledger: nobody twice, nobody forgotten.

More of them: `python bench/crashes.py`.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.ledger.homes import raw, spelled, where_of
from tests.mailing.dying import End, Order
from tests.servers.postgresql import Postgres
from tests.servers.recording import Message, RecordingServer
from tui.ledger import Server

ROOT = Path(__file__).parents[2]


class Mortals:
    """Sends that die, each with a ledger and attendees of its own, and a second send of each that lives."""

    def __init__(self, folder: Path, server: RecordingServer, shared: Server | None = None) -> None:
        self._folder, self._server, self._shared = folder, server, shared
        self._orders: list[Order] = []
        self.killed = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mailing.dying"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(30) == 0

    def steps(self, people: int, connections: int) -> list[str]:
        """The steps of a send that lives."""
        order = self._order(people, connections)
        self._orders.append(order)
        return self._run(order).steps

    def die(self, people: int, connections: int, *, step: int = 0, seconds: float = 0.0) -> bool:
        """One send that is killed, if it lives so long, and another one of the same people."""
        order = self._order(people, connections, step, seconds)
        self._orders.append(order)
        was_killed = self._run(order).signal == signal.SIGKILL
        self.killed += was_killed
        assert self._run(Order(order.ledger, order.port, order.name, people, connections)).signal == 0
        return was_killed

    def _order(self, people: int, connections: int, step: int = 0, seconds: float = 0.0) -> Order:
        name = f"t{len(self._orders)}"
        where = self._shared.for_event(name) if self._shared else self._folder / f"{name}.ledger.db"
        return Order(spelled(where), self._server.port, name, people, connections, step, seconds)

    def _run(self, order: Order) -> End:
        assert self._process.stdin and self._process.stdout
        print(json.dumps(asdict(order)), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, f"the send failed instead of dying: {order}"
        return End(**json.loads(answer))

    def judge(self) -> None:
        """What the ledgers say beside what the server has, read without the program."""
        stored: dict[str, list[Message]] = {}
        for message in self._server.messages:
            [recipient] = message.rcpt_tos
            assert f"To: Guest {recipient.partition('@')[0].rpartition('.')[2]} <{recipient}>".encode() in message.data
            stored.setdefault(recipient.partition(".")[0], []).append(message)
        for order in self._orders:
            arrived = Counter((message.rcpt_tos[0], *_version(message.data)) for message in stored[order.name])
            assert set(arrived.values()) <= {1}, f"somebody has the same version twice: {order}"
            with raw(where_of(order.ledger)) as db:
                rows = db.execute("SELECT address, outcome, uid, sequence FROM message").fetchall()
            assert len(rows) == len({row[0] for row in rows}) == order.people, f"somebody is forgotten: {order}"
            outcomes = Counter(row[1] for row in rows)
            assert set(outcomes) <= {"accepted", "unknown"}, (order, outcomes)
            assert outcomes["unknown"] <= order.connections, (order, outcomes)
            taken = {(address, uid, sequence) for address, outcome, uid, sequence in rows if outcome == "accepted"}
            unsure = {(address, uid, sequence) for address, outcome, uid, sequence in rows if outcome == "unknown"}
            assert taken <= set(arrived) <= taken | unsure, order


def _version(raw: bytes) -> tuple[str, int]:
    found = re.search(rb"text/calendar[^\r]*\r\n[^\r]*\r\n\r\n(.*?)\r\n--", raw, re.DOTALL)
    assert found
    lines = dict(line.split(":", 1) for line in b64decode(found[1]).decode().split("\r\n") if ":" in line)
    return lines["UID"], int(lines["SEQUENCE"])


@pytest.fixture
def mortals(tmp_path: Path, start_smtp: Callable[..., RecordingServer]) -> Iterator[Mortals]:
    # A process that dies takes nothing from the system's memory, so it need not be a disk.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        running = Mortals(Path(folder), start_smtp(security="none", login=None))
        yield running
        running.close()


def test_killed_at_every_step_of_a_send_nobody_is_sent_to_twice_and_nobody_is_forgotten(mortals: Mortals) -> None:
    steps = mortals.steps(3, 1)
    assert {f"{when} a {what}" for when in ("before", "after") for what in ("commit", "write")} <= set(steps)
    assert steps.count("before a commit") >= 5 and steps.count("in the middle of a write") >= 5
    # Whether two commits are one depends on how fast the server is: on and on, until one lives to its end.
    step = 1
    while mortals.die(3, 1, step=step):
        step += 1
    assert step > len(steps) * 0.8
    mortals.judge()


def test_killed_at_any_step_with_eight_connections(mortals: Mortals) -> None:
    steps, chance = mortals.steps(16, 8), random.Random(8)
    for step in chance.sample(range(1, len(steps) - 10), 12):
        mortals.die(16, 8, step=step)
    assert mortals.killed >= 8
    mortals.judge()


def test_killed_at_any_step_with_a_ledger_on_a_server(
    postgres: Postgres, tmp_path: Path, start_smtp: Callable[..., RecordingServer]
) -> None:
    shared = Server.parse(postgres.database())
    mortals, chance = Mortals(tmp_path, start_smtp(security="none", login=None), shared), random.Random(8)
    try:
        steps = mortals.steps(12, 4)
        for step in chance.sample(range(1, len(steps) - 8), 6):
            mortals.die(12, 4, step=step)
        assert mortals.killed >= 4
        mortals.judge()
    finally:
        mortals.close()


@pytest.mark.parametrize("connections", [1, 8])
def test_killed_at_any_moment(mortals: Mortals, connections: int) -> None:
    chance = random.Random(connections)
    for _ in range(10):
        mortals.die(16, connections, seconds=chance.uniform(0.02, 0.12))
    assert mortals.killed >= 3
    mortals.judge()

"""Runs sends that die: started by `test_crashes.py` as a process of its own, which forks one for each send.

Each line of standard input is an `Order` in JSON, each line of standard output the `End` of that process. A send dies
by SIGKILL: at a named step (before and after every commit of the ledger, before, in the middle of and after every write
to the server), or after so many seconds. The steps are put in here, by patching; the program knows nothing of them.
"""

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from tests.ledger.homes import where_of
from tests.unit.making import a_wording, an_event
from tests.unit.people import listed
from tui import mailing
from tui.delivery import Account, Connection
from tui.delivery.connection import _Client
from tui.delivery.steps import Steps as Waits
from tui.errors import BusyError
from tui.guard import Roll
from tui.invitation import Composer
from tui.ledger import Ledger, Where, open_for_run, open_to_read
from tui.ledger.databases import postgresql, sqlite
from tui.plan import make

PUBLIC = ["consultations@department.example"]
WORDING = a_wording("Dear {{ name }},\n\nPlease come: {{ event.join_url }}\n")


@dataclass(frozen=True, slots=True)
class Order:
    """One send of `people` messages over so many connections: `step` to die at (0: none), or seconds to live."""

    ledger: str
    port: int
    name: str
    people: int
    connections: int
    step: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class End:
    """How a process that sends ended: the signal that killed it, 0 where none did, and the steps that it took then."""

    signal: int
    steps: list[str]


class Steps:
    """Counts the steps of a run, and dies at one of them."""

    def __init__(self, deadly: int) -> None:
        self._deadly = deadly
        self._lock = threading.Lock()
        self.names: list[str] = []

    def take(self, name: str) -> None:
        with self._lock:
            self.names.append(name)
            if len(self.names) == self._deadly:
                os.kill(os.getpid(), signal.SIGKILL)

    def put_in(self) -> None:
        """Makes every commit and every write a step."""
        steps = self

        for database in (sqlite.File, postgresql.Shared):

            def committed(opened: Any, commit: Callable[[Any], None] = database.commit) -> None:
                steps.take("before a commit")
                commit(opened)
                steps.take("after a commit")

            database.commit = committed  # type: ignore[method-assign,assignment]  # a step that may be its last
        writing = _Client.writing

        def written(client: _Client, data: bytes) -> Waits[None]:
            steps.take("before a write")
            half = len(data) // 2
            yield from writing(client, data[:half])
            steps.take("in the middle of a write")
            yield from writing(client, data[half:])
            client.written = len(data)
            steps.take("after a write")

        _Client.writing = written  # type: ignore[assignment,method-assign]  # likewise


def prepare(order: Order) -> mailing.Mailing:
    event = an_event()
    people = [listed(f"{order.name}.{number}@example.org", name=f"Guest {number}") for number in range(order.people)]
    with open_to_read(where_of(order.ledger)) as reading:
        plan = make(event, people, reading.people())
    roll = Roll([person.address for person in people], (), PUBLIC, "Dear Please come Guest Pathways to Work")
    return mailing.prepare(plan, Composer(event, {"invite": WORDING}), roll)


def send(order: Order, steps: Steps) -> None:
    made = prepare(order)
    account = Account("test", "127.0.0.1", order.port, "none", login="none")
    steps.put_in()
    with begun(where_of(order.ledger)) as ledger:
        for _ in mailing.send(
            made,
            ledger,
            lambda: Connection(account, None, sender=PUBLIC[0], timeout=20),
            command="send",
            account="test",
            pacing=mailing.Pacing(connections=order.connections, backoff=0.0),
            control=mailing.Control(),
        ):
            pass


def begun(where: Where) -> Ledger:
    """The ledger for a run: a server may notice a moment later that the one before it has died."""
    until = time.monotonic() + 30
    while True:
        try:
            return open_for_run(where)
        except BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def run(order: Order) -> End:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            steps = Steps(order.step)
            send(order, steps)
            os.write(writing, json.dumps(steps.names).encode()[:60_000])
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    if order.seconds:
        time.sleep(order.seconds)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as said:
        names = said.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"a send failed instead of dying: {order}")
    return End(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, json.loads(names or b"[]"))


def main() -> None:
    socket.setdefaulttimeout(30)
    # What every send needs is loaded once.
    prepare(Order("none", 0, "warm", 1, 1))
    for line in sys.stdin:
        print(json.dumps(asdict(run(Order(**json.loads(line))))), flush=True)


if __name__ == "__main__":
    main()

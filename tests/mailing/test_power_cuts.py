"""The power fails: at every commit of a send what lies on the disk is copied, and every copy must tell the truth.

A copy made before a commit, or with the commit's end torn off, is what a disk has that lost the last write; one made
after it is what must survive, because the message leaves next.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.mailing import dying
from tests.mailing.dying import Order
from tests.servers.recording import RecordingServer
from tui import mailing
from tui.delivery import Account, Connection
from tui.ledger import open_for_run
from tui.ledger.databases import sqlite

StartSmtp = Callable[..., RecordingServer]
PEOPLE = 24


@dataclass(frozen=True)
class Copy:
    """The files as they lay on the disk, and whose message the server had before they were copied, and after."""

    path: Path
    before: frozenset[str]
    after: frozenset[str]


class Disk:
    """Copies the ledger around every commit."""

    def __init__(self, ledger: Path, server: RecordingServer, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._ledger, self._server, self._folder = ledger, server, folder
        self._chance = Random(PEOPLE)
        self.copies: list[Copy] = []
        disk, commit = self, sqlite.File.commit

        def committed(database: sqlite.File) -> None:
            written = disk.copy()
            commit(database)
            disk.copy()
            disk.copy(torn_from=written)

        patch.setattr(sqlite.File, "commit", committed)

    def taken(self) -> frozenset[str]:
        return frozenset(address for message in list(self._server.messages) for address in message.rcpt_tos)

    def copy(self, torn_from: int | None = None) -> int:
        """The bytes of the write-ahead log, which is torn off somewhere after `torn_from` of them in the copy."""
        before = self.taken()
        path = self._folder / f"{len(self.copies)}" / self._ledger.name
        path.parent.mkdir(parents=True)
        for name in (self._ledger.name, f"{self._ledger.name}-wal"):
            if (there := self._ledger.with_name(name)).exists():
                shutil.copy(there, path.with_name(name))
        log = path.with_name(f"{path.name}-wal")
        size = log.stat().st_size if log.exists() else 0
        if torn_from is not None and size > torn_from:
            with log.open("r+b") as file:
                file.truncate(self._chance.randrange(torn_from, size))
        self.copies.append(Copy(path, before, self.taken()))
        return size


def send(ledger: Path, server: RecordingServer, connections: int) -> None:
    order = Order(str(ledger), server.port, "guest", PEOPLE, connections)
    made = dying.prepare(order)
    account = Account("test", server.host, server.port, "none", login="none")
    with open_for_run(ledger) as opened:
        for _ in mailing.send(
            made,
            opened,
            lambda: Connection(account, None, sender=dying.PUBLIC[0], timeout=20),
            command="send",
            account="test",
            pacing=mailing.Pacing(connections=connections, backoff=0.0),
            control=mailing.Control(),
        ):
            pass


@pytest.mark.parametrize("connections", [1, 3])
def test_whenever_the_power_fails_the_ledger_agrees_with_the_server(
    start_smtp: StartSmtp, tmp_path: Path, connections: int
) -> None:
    server = start_smtp(security="none", login=None)
    ledger = tmp_path / "event.ledger.db"
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(ledger, server, tmp_path / "copies", patch)
        send(ledger, server, connections)
    assert len(server.messages) == PEOPLE and len(disk.copies) > PEOPLE * 3 / connections
    doubtful = 0
    for copy in disk.copies:
        with open_for_run(copy.path) as found:
            people = found.people()
        outcomes = Counter(person.outcome for person in people.values())
        assert outcomes["unknown"] <= connections, copy
        assert set(outcomes) <= {"accepted", "unknown", "unsent"}
        sendable = {person.address for person in people.values() if person.outcome == "unsent"}
        assert not sendable & copy.before, "somebody would be sent it twice"
        assert {person.address for person in people.values() if person.outcome == "accepted"} <= copy.after
        assert len(people) in (0, PEOPLE), "nobody is forgotten"
        doubtful += outcomes["unknown"]
    assert doubtful


def test_after_a_power_cut_the_same_command_finishes_the_rest(start_smtp: StartSmtp, tmp_path: Path) -> None:
    server = start_smtp(security="none", login=None)
    ledger = tmp_path / "event.ledger.db"
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(ledger, server, tmp_path / "copies", patch)
        send(ledger, server, 3)
    for copy in disk.copies[:: len(disk.copies) // 6]:
        again = start_smtp(security="none", login=None)
        send(copy.path, again, 3)
        with open_for_run(copy.path) as found:
            outcomes = Counter(person.outcome for person in found.people().values())
        assert outcomes["accepted"] + outcomes["unknown"] == PEOPLE and outcomes["unknown"] <= 3
        received = Counter(address for message in again.messages for address in message.rcpt_tos)
        assert not received.keys() & copy.before and set(received.values()) <= {1}

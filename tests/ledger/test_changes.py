"""Who follows a ledger is told that something was recorded, whoever did it."""

import threading
import time

import pytest

from tests.ledger.homes import raw
from tests.ledger.test_ledger import ANA, begin, send, someone
from tui.errors import LedgerError
from tui.ledger import Server, follow, open_for_run, open_to_read
from tui.ledger.store import Where

LONG = 30.0
"""Seconds that nothing here takes."""


def settled(where: Where) -> int:
    with open_to_read(where) as ledger:
        return sum(person.outcome == "accepted" for person in ledger.people().values())


def test_it_is_told_once_and_nothing_else_is(where: Where) -> None:
    with open_for_run(where) as ledger, follow(where) as changes:
        assert not changes.wait(0)
        begin(ledger, ANA)
        assert changes.wait(LONG)
        while changes.wait(1.0):  # one second look may follow
            pass
        assert not changes.wait(0)


def test_whoever_waits_is_woken(where: Where) -> None:
    with open_for_run(where) as ledger, follow(where) as changes:
        told: list[bool] = []
        waiting = threading.Thread(target=lambda: told.append(changes.wait(LONG)))
        began = time.monotonic()
        waiting.start()
        begin(ledger, ANA)
        waiting.join()
        assert told == [True] and time.monotonic() - began < LONG


def test_of_many_in_a_moment_the_last_is_seen_as_well(where: Where) -> None:
    with open_for_run(where) as ledger, follow(where) as changes:
        for number in range(12):
            send(ledger, someone(number), "accepted")
        until = time.monotonic() + LONG
        while settled(where) < 12:
            assert time.monotonic() < until
            changes.wait(LONG)


def test_a_ledger_that_is_not_there_yet_can_be_followed(where: Where) -> None:
    with follow(where) as changes:
        assert not changes.wait(0)
        with open_for_run(where) as ledger:
            begin(ledger, ANA)
            assert changes.wait(LONG)


def test_a_connection_that_was_lost_is_said_and_made_anew(server: Server) -> None:
    with open_for_run(server) as ledger, follow(server) as changes:
        with raw(server) as db:
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        with pytest.raises(LedgerError):
            changes.wait(LONG)
        assert changes.wait(LONG), "something may have been recorded meanwhile"
        begin(ledger, ANA)
        assert changes.wait(LONG)

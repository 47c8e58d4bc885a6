"""A ledger is moved from a file to a server and back: all of it is there, proved, and only one can be sent from."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.ledger.homes import raw
from tests.ledger.test_forgetting import fill, guest
from tests.ledger.test_ledger import begin, send, someone
from tui.errors import BusyError, LedgerError
from tui.ledger import Server, Where, copying, move, open_for_run, open_to_read
from tui.ledger.databases import Database, postgresql


@pytest.fixture(params=["to a server", "to a file"])
def ways(request: pytest.FixtureRequest, tmp_path: Path, server: Server) -> tuple[Where, Where]:
    """From where to where."""
    path = tmp_path / "event.ledger.db"
    return (path, server) if request.param == "to a server" else (server, path)


@pytest.fixture
def filled(ways: tuple[Where, Where], monkeypatch: pytest.MonkeyPatch) -> Where:
    """A ledger with everything in it that there can be."""
    # What is left on a server's disk is looked into where forgetting is tested; it takes its time.
    monkeypatch.setattr(postgresql.Shared, "overwrite", lambda shared: None)
    with open_for_run(ways[0]) as ledger:
        ledger.belongs_to("f" * 32)
        fill(ledger, range(1, 8))
        ledger.begin("send", "work", "plan", [replace(guest(7), digest="e" * 64)])  # put off, and planned anew
        ledger.propose("digest", "send", 7, "Anna")
        ledger.forget([guest(2).key, guest(5).key])
    return ways[0]


def everything(where: Where) -> object:
    with open_to_read(where) as ledger, ledger.chronicle() as chronicle:
        told = [*chronicle.messages()], [*chronicle.decisions()], chronicle.runs, chronicle.people, chronicle.event
    with open_to_read(where) as ledger:
        left_out = ledger.left_out()
        assert left_out.generation(guest(2).key, "") == 0
        rest = ledger.people(history=True), ledger.forgotten(), ledger.answers(), ledger.position()
    with raw(where) as db:
        kept = db.execute("SELECT attempt, message FROM kept ORDER BY attempt").fetchall()
    with open_to_read(where) as ledger:
        return told, rest, kept, ledger.identity(), ledger.promised(), ledger.proposals()


def test_all_of_it_is_there_and_only_there_it_goes_on(ways: tuple[Where, Where], filled: Where) -> None:
    source, target = ways
    before = everything(source)
    proof = move(source, target)
    assert everything(target) == before
    assert proof.counts["message"] == 14 and len(proof.seal) == 64
    with pytest.raises(LedgerError, match="was moved") as refused:
        open_for_run(source)
    assert refused.value.code == "ledger-moved"
    with open_for_run(target) as ledger:
        (message,) = begin(ledger, guest(7))
        ledger.tried(message, "e" * 64, "accepted", "250 ok")
        send(ledger, someone(1), "accepted")


def test_every_table_and_column_is_moved(ways: tuple[Where, Where], filled: Where) -> None:
    with raw(filled) as db:
        if isinstance(filled, Server):
            rows = db.execute(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
                " AND table_name <> 'message'",  # a view
                (filled.schema,),
            ).fetchall()
        else:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            rows = [(table, row[1]) for table in tables for row in db.execute(f"PRAGMA table_info({table})")]
    found = {(table, column) for table, column in rows if table not in copying.NOT_MOVED}
    assert found == {(table, column) for table, columns in copying.TABLES.items() for column in columns}


def test_what_was_moved_can_be_moved_back(ways: tuple[Where, Where], filled: Where, tmp_path: Path) -> None:
    source, target = ways
    back: Where = source.for_event("back") if isinstance(source, Server) else tmp_path / "back.db"
    first = move(source, target)
    second = move(target, back)
    assert (first.counts, first.seal) == (second.counts, second.seal)
    assert everything(back) == everything(source)
    with pytest.raises(LedgerError, match="was moved"):
        move(source, tmp_path / "third.db")


def test_nothing_is_moved_over_what_is_there(ways: tuple[Where, Where], filled: Where) -> None:
    source, target = ways
    with open_for_run(target) as ledger:
        begin(ledger, someone(1))
    with pytest.raises(LedgerError, match="already"):
        move(source, target)
    open_for_run(source).close()
    with open_to_read(target) as ledger:
        assert list(ledger.people()) == [someone(1).key]


@pytest.mark.parametrize("which", [0, 1])
def test_nothing_is_moved_beside_a_run(ways: tuple[Where, Where], filled: Where, which: int) -> None:
    with open_for_run(ways[which]), pytest.raises(BusyError):
        move(*ways)


def test_what_is_not_there_is_not_moved(ways: tuple[Where, Where]) -> None:
    with pytest.raises(LedgerError, match="There is no ledger"):
        move(*ways)


@pytest.mark.parametrize("step", ["proof_of", "moved", "arrived"])
def test_broken_off_anywhere_the_same_command_finishes_and_no_two_can_be_sent_from(
    ways: tuple[Where, Where], filled: Where, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = ways
    before = everything(source)

    def dying(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copying, step, dying)
        with pytest.raises(KeyboardInterrupt):
            move(source, target)
    with pytest.raises(LedgerError, match="not whole"):
        open_for_run(target)
    move(source, target)
    assert everything(target) == before
    with pytest.raises(LedgerError, match="was moved"):
        open_for_run(source)


def test_what_arrives_changed_is_noticed(
    ways: tuple[Where, Where], filled: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copying.copy

    def spoiling(source: Database, target: Database) -> None:
        copy(source, target)
        target.execute("UPDATE person SET name = 'somebody else' WHERE number = 1")

    monkeypatch.setattr(copying, "copy", spoiling)
    with pytest.raises(LedgerError, match="is not what"):
        move(*ways)
    open_for_run(ways[0]).close()
    with pytest.raises(LedgerError, match="not whole"):
        open_for_run(ways[1])

"""A ledger in a real PostgreSQL: what is its own there beside all that every database is tested for."""

import re
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.ledger.homes import raw
from tests.ledger.test_forgetting import fill, guest, personal
from tests.ledger.test_ledger import ANA, begin, send, someone
from tests.ledger.test_migrations import rows_of
from tests.servers.postgresql import Postgres
from tui.errors import BusyError, LedgerError
from tui.ledger import Desk, Server, is_there, must_be_free, open_for_run, open_for_work, open_to_read
from tui.ledger.databases import VERSION, postgresql, schema

# --- the same guarantees ----------------------------------------------------------------------------------------------


def _spelled(check: str) -> str:
    """A CHECK, however its database writes it: the column, and the texts that it names."""
    column = re.search(r"[a-z_]+", check)
    assert column
    texts = sorted(re.findall(r"'[a-z]*'|\b[01]\b", check))
    return f"{column[0]}: {texts}"


def _of_sqlite(path: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as db:
        tables = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        found: dict[str, Any] = {"columns": {}, "unique": set(), "references": set(), "checks": set()}
        for table, text in tables.items():
            for _, name, _, not_null, default, key in db.execute(f"PRAGMA table_info({table})"):
                plain = None if default is None else default.strip("'")
                found["columns"][table, name] = (bool(not_null or key), plain)
            for name, origin, is_partial in [
                (row[1], row[3], row[4]) for row in db.execute(f"PRAGMA index_list({table})") if row[2]
            ]:
                columns = tuple(filter(None, (row[2] for row in db.execute(f"PRAGMA index_info({name})"))))
                found["unique"].add((table, columns, bool(is_partial), origin == "pk"))
            if keys := [row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[5]]:
                found["unique"].add((table, tuple(keys), False, True))
            for row in db.execute(f"PRAGMA foreign_key_list({table})"):
                found["references"].add((table, row[3], row[2], row[4]))
            found["checks"] |= {
                (table, _spelled(one)) for one in re.findall(r"CHECK \(([^()]*(?:\([^()]*\))?[^()]*)\)", text)
            }
        found["indexes"] = {
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        }
        found["triggers"] = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
        return found


def _of_postgresql(server: Server) -> dict[str, Any]:
    with raw(server) as db:
        ask = partial(db.execute, params=(server.schema,))
        found: dict[str, Any] = {"columns": {}, "unique": set(), "references": set(), "checks": set()}
        for table, name, is_nullable, default in ask(
            "SELECT table_name, column_name, is_nullable, column_default FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name <> 'message'"  # a view
        ):
            plain = None if default is None else default.partition("::")[0].strip("'")
            found["columns"][table, name] = (is_nullable == "NO", plain)
        for table, columns, is_partial, is_key in ask(
            "SELECT c.relname, array_remove(array_agg(a.attname ORDER BY k.n), NULL), i.indpred IS NOT NULL,"
            " i.indisprimary FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
            " JOIN pg_namespace s ON s.oid = c.relnamespace CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (at, n)"
            " LEFT JOIN pg_attribute a ON a.attnum = k.at AND a.attrelid = i.indrelid WHERE s.nspname = %s"
            " AND i.indisunique GROUP BY i.indexrelid, c.relname, i.indpred IS NOT NULL, i.indisprimary"
        ):
            found["unique"].add((table, tuple(columns), is_partial, is_key))
        for table, kind, text in ask(
            "SELECT c.relname, k.contype::text, pg_get_constraintdef(k.oid) FROM pg_constraint k"
            " JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace s ON s.oid = c.relnamespace WHERE s.nspname = %s"
        ):
            if kind == "f":
                named = re.fullmatch(r"FOREIGN KEY \((\w+)\) REFERENCES (?:\w+\.)?(\w+)\((\w+)\).*", text)
                assert named, text
                found["references"].add((table, *named.groups()))
            elif kind == "c":
                found["checks"].add((table, _spelled(text)))
        found["indexes"] = {
            name
            for (name,) in ask(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace s"
                " ON s.oid = c.relnamespace WHERE s.nspname = %s AND NOT EXISTS"
                " (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u'))"
            )
        }
        found["triggers"] = {
            name
            for (name,) in ask(
                "SELECT DISTINCT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s"
            )
        }
        return found


def test_both_databases_have_the_same_tables_columns_and_constraints(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "event.ledger.db"
    for where in (path, server):
        open_for_run(where).close()
    file, shared = _of_sqlite(path), _of_postgresql(server)
    for what in ("columns", "unique", "references", "checks", "indexes", "triggers"):
        assert shared[what] == file[what], what


@pytest.mark.parametrize("table", ["attempt", "version", "forgotten", "proposal"])
def test_the_history_is_not_emptied_at_once_either(server: Server, table: str) -> None:
    with open_for_run(server) as ledger:
        send(ledger, ANA, "accepted")
    with raw(server) as db, pytest.raises(psycopg.IntegrityError, match="history is not rewritten"):
        db.execute(f"TRUNCATE {table} CASCADE")


def test_a_guarantee_that_was_taken_out_stops_a_run(server: Server) -> None:
    open_for_run(server).close()
    for spoil, mend in (
        (
            "ALTER TABLE attempt DISABLE TRIGGER attempt_settles_once",
            "ALTER TABLE attempt ENABLE TRIGGER attempt_settles_once",
        ),
        ("ALTER INDEX one_live_attempt RENAME TO another", "ALTER INDEX another RENAME TO one_live_attempt"),
    ):
        with raw(server) as db:
            db.execute(spoil)
            with pytest.raises(LedgerError, match="1 of the guarantees"):
                open_for_run(server)
            db.execute(mend)
    open_for_run(server).close()


def test_a_table_of_somebodys_own_does_not_hide_the_ledgers(server: Server) -> None:
    with open_for_run(server) as ledger:
        begin(ledger)
    with raw(server) as db:
        db.execute("INSERT INTO forgotten VALUES (%s, '')", [ANA.key])
        db.execute("CREATE TEMP TABLE forgotten (key TEXT)")
        db.execute(f"SET search_path = pg_temp, {server.schema}")
        with pytest.raises(psycopg.IntegrityError, match="is forgotten"):
            db.execute("INSERT INTO attempt (message, digest, outcome, started_at) VALUES (1, 'd', 'sending', '')")


# --- one database, several events and desks ---------------------------------------------------------------------------


def test_events_in_one_database_know_nothing_of_each_other(server: Server) -> None:
    other = server.for_event("another_event")
    assert not is_there(other)
    with open_for_run(server) as ledger, open_for_run(other) as beside:
        send(ledger, ANA, "accepted")
        begin(beside, someone(1))
        assert list(ledger.people()) == [ANA.key] and list(beside.people()) == ["guest1@example.org"]
        assert ledger.identity() != beside.identity()
    assert is_there(server) and is_there(other)


def test_workers_share_what_a_run_has_for_itself(server: Server) -> None:
    with open_for_run(server, Desk("Anna", "desk-3")), pytest.raises(BusyError, match="Anna on desk-3 since"):
        open_for_work(server)
    with open_for_work(server) as one, open_for_work(server):
        with pytest.raises(BusyError):
            open_for_run(server)
        with pytest.raises(BusyError):
            must_be_free(server)
        assert one.people() == {}
    must_be_free(server)


def test_whoever_comes_at_once_after_a_run_finds_it_free(server: Server) -> None:
    open_for_run(server).close()
    with raw(server) as db:

        def is_held() -> bool:
            held = "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE locktype = 'advisory'"
            return bool(db.execute(f"{held} AND datname = current_database()").fetchall())

        while is_held():  # by whoever another test ended
            pass
        for _ in range(10):
            open_for_run(server).close()
            assert not is_held()
            must_be_free(server)
            assert not is_held()


def test_a_worker_takes_nothing_for_lost_that_another_has_in_hand(server: Server) -> None:
    with open_for_run(server) as ledger:
        (message,) = begin(ledger)
    with open_for_work(server) as one:
        attempt = one.sending(message, "d")
        with open_for_work(server) as two:
            assert two.people(history=True)[ANA.key].latest.reply == ""
        one.settle(attempt, "accepted", "250 ok")
        assert one.people()[ANA.key].outcome == "accepted"


@pytest.mark.parametrize(("outcome", "is_sent_again"), [("refused", False), ("accepted", False), ("deferred", True)])
def test_of_two_workers_at_one_message_the_second_waits_and_sees_what_became_of_it(
    server: Server, outcome: str, is_sent_again: bool
) -> None:
    with open_for_run(server) as ledger:
        (message,) = begin(ledger)
    answers: list[object] = []
    with open_for_work(server) as two, raw(server) as one:
        one.execute("BEGIN")
        one.execute(
            "INSERT INTO attempt (message, digest, outcome, started_at) VALUES (%s, 'd', 'sending', '')", [message]
        )
        second = threading.Thread(
            target=lambda: answers.extend(two.in_one_commit([partial(two.sending, message, "d")]))
        )
        second.start()
        with raw(server) as watching:
            while second.is_alive() and not watching.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
                pass
        one.execute("UPDATE attempt SET outcome = %s", [outcome])
        one.execute("COMMIT")
        second.join(60)
    (answer,) = answers
    assert isinstance(answer, int if is_sent_again else LedgerError)


# --- a server that restarts -------------------------------------------------------------------------------------------


def test_a_server_that_restarts_in_mid_run_is_waited_for(server: Server, postgres: Postgres) -> None:
    with open_for_run(server) as ledger:
        first, second = begin(ledger, ANA, someone(2))
        attempt = ledger.sending(first, "d")
        postgres.restart()
        (other,) = ledger.in_one_commit([partial(ledger.sending, second, "d", (attempt, "accepted", "250 ok"))])
        ledger.settle(other, "refused", "550 no")
        assert [person.outcome for person in ledger.people().values()] == ["accepted", "refused"]
        with pytest.raises(BusyError):
            open_for_run(server)


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_whenever_the_connection_is_lost_everything_is_recorded_once(
    server: Server, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    commit, lost = postgresql.Shared.commit, list[int]()

    def losing(shared: postgresql.Shared) -> None:
        if not lost:
            lost.append(1)
            if moment == "after the commit":
                commit(shared)
            with raw(server) as db:
                db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> ''")
        commit(shared)

    with open_for_run(server) as ledger:
        first, second, third = begin(ledger, ANA, someone(2), someone(3))
        attempt = ledger.sending(first, "d")
        monkeypatch.setattr(postgresql.Shared, "commit", losing)
        calls: list[Callable[[], object]] = [
            partial(ledger.sending, second, "d", (attempt, "accepted", "250 ok")),
            partial(ledger.tried, third, "d", "deferred", "450 later"),
        ]
        answer, nothing = ledger.in_one_commit(calls)
        assert lost and isinstance(answer, int) and nothing is None
        ledger.settle(answer, "accepted", "250 ok")
        people = ledger.people(history=True)
    assert [person.outcome for person in people.values()] == ["accepted", "accepted", "deferred"]
    assert [len(person.history) for person in people.values()] == [1, 1, 1]


def test_of_two_threads_each_asks_what_became_of_its_own_commit(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost after a commit; the other thread has begun something new on it, or has it again already,
    before the first can ask."""
    commit, is_lost, may_ask = postgresql.Shared.commit, threading.Event(), threading.Event()
    first_thread = threading.Thread(target=lambda: answers.extend(ledger.in_one_commit([calls[0]])))

    def losing(shared: postgresql.Shared) -> None:
        commit(shared)
        if threading.current_thread() is first_thread and not is_lost.is_set():
            with raw(server) as db:
                db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> ''")
            is_lost.set()
            commit(shared)

    settle = postgresql.Shared.surely

    def later(shared: postgresql.Shared, record: Callable[[], None]) -> None:
        def recorded() -> None:
            try:
                record()
            except LedgerError:
                assert may_ask.wait(60)
                raise

        settle(shared, recorded if threading.current_thread() is first_thread else record)

    answers = list[object]()
    with open_for_run(server) as ledger:
        first, second = begin(ledger, ANA, someone(2))
        calls = [partial(ledger.sending, one, "d") for one in (first, second)]
        monkeypatch.setattr(postgresql.Shared, "commit", losing)
        monkeypatch.setattr(postgresql.Shared, "surely", later)
        first_thread.start()
        assert is_lost.wait(60)
        answers += ledger.in_one_commit([calls[1]])
        may_ask.set()
        first_thread.join(60)
        assert len(answers) == 2 and all(isinstance(answer, int) for answer in answers)
        assert [len(person.history) for person in ledger.people(history=True).values()] == [1, 1]


def test_a_server_that_has_forgotten_what_it_had_recorded_ends_a_run(server: Server) -> None:
    """As one that was behind does when it takes another's place."""
    with open_for_run(server) as ledger:
        first, second = begin(ledger, ANA, someone(2))
        ledger.settle(ledger.sending(first, "d"), "accepted", "250 ok")
        memory = ledger.memory
        with raw(server) as db:
            db.execute("ALTER TABLE attempt DISABLE TRIGGER ALL")
            db.execute("DELETE FROM attempt")
            db.execute("ALTER TABLE attempt ENABLE TRIGGER ALL")
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> ''")
        (error,) = ledger.in_one_commit([partial(ledger.sending, second, "d")])
        assert isinstance(error, LedgerError) and error.code == "ledger-forgot"
    with open_for_work(server) as ledger, pytest.raises(LedgerError, match="has forgotten"):
        ledger.must_remember(memory)


def test_a_run_whose_ledger_another_one_took_meanwhile_ends(server: Server, postgres: Postgres) -> None:
    with open_for_run(server) as ledger:
        first, second = begin(ledger, ANA, someone(2))
        attempt = ledger.sending(first, "d")
        with raw(server) as db:
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> ''")
        open_for_run(server).close()
        for call in (partial(ledger.settle, attempt, "accepted", ""), partial(ledger.sending, second, "d")):
            (error,) = ledger.in_one_commit([call])
            assert isinstance(error, LedgerError)
    with open_to_read(server) as reading:
        assert [person.outcome for person in reading.people().values()] == ["unknown", "unsent"]


def test_a_server_that_does_not_come_back_is_not_waited_for_twice(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "_PATIENCE", 0.2)
    tries = list[int]()

    def away(*_: object) -> None:
        tries.append(1)
        raise psycopg.OperationalError("connection failed: no answer")

    with open_for_run(server) as ledger:
        ids = begin(ledger, *map(someone, range(5)))
        with raw(server) as db:
            db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> ''")
        monkeypatch.setattr(postgresql, "_connect", away)
        for answer in ledger.in_one_commit([partial(ledger.sending, one, "d") for one in ids]):
            assert isinstance(answer, LedgerError)
        told = len(tries)
        with pytest.raises(LedgerError):
            ledger.sending(ids[0], "d")
        assert len(tries) == told


# --- what is somebody else's ------------------------------------------------------------------------------------------


def test_another_programs_schema_is_left_as_it_was(server: Server) -> None:
    with raw(server) as db:
        db.execute(f"CREATE SCHEMA {server.schema}")
        db.execute(f"CREATE TABLE {server.schema}.moz_places (id INTEGER)")
    for opening in (open_for_run, open_to_read):
        with pytest.raises(LedgerError, match="another program"):
            opening(server)


@pytest.mark.parametrize(("version", "said"), [(999, "another version"), (5, "earlier version")])
def test_a_ledger_of_another_version_is_left_as_it_was(server: Server, version: int, said: str) -> None:
    open_for_run(server).close()
    with raw(server) as db:
        db.execute(f"COMMENT ON SCHEMA {server.schema} IS 'invite-tui ledger {version}'")
    with pytest.raises(LedgerError, match=said):
        open_to_read(server)


def test_reading_cannot_write(server: Server) -> None:
    with open_for_run(server) as ledger:
        send(ledger, ANA, "accepted")
    with open_to_read(server) as reading:
        with pytest.raises(LedgerError, match="may not be written to"):
            begin(reading, someone(2))
        assert list(reading.people()) == [ANA.key]


def test_without_psycopg_it_is_said_what_to_install(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tui.ledger.databases.postgresql")
    monkeypatch.delattr("tui.ledger.databases.postgresql")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match="psycopg") as refused:
        open_for_run(server)
    assert "invite-tui[teams]" in (refused.value.hint or "")


# --- a ledger that an earlier version wrote ---------------------------------------------------------------------------


def _written_by(version: int, server: Server) -> None:
    """As version `version` of the schema left it, with a message that went out and one that did not."""
    with raw(server) as db:
        db.execute(f"CREATE SCHEMA {server.schema}")
        for number in range(6, version + 1):  # the first that there was
            db.execute(schema("postgresql", number))
        db.execute(f"COMMENT ON SCHEMA {server.schema} IS 'invite-tui ledger {version}'")
        db.execute(rows_of(version))
        db.execute("SELECT setval(pg_get_serial_sequence('attempt', 'id'), max(id)) FROM attempt")


@pytest.mark.parametrize("version", range(6, VERSION))
def test_a_run_brings_it_up_to_date_loses_nothing_and_goes_on(server: Server, version: int) -> None:
    _written_by(version, server)
    with pytest.raises(LedgerError, match="earlier version") as refused:
        open_to_read(server)
    assert "invite-tui ledger prepare" in (refused.value.hint or "")
    with open_for_run(server) as ledger:
        people = ledger.people(history=True)
        assert {key: person.outcome for key, person in people.items()} == {"ana": "accepted", "bo": "unsent"}
        assert [entry.reply for entry in people["ana"].history] == ["250 ok"]
        assert [people[key].latest.facts for key in ("ana", "bo")] == [{"title": "Ball"}, {}]
        with pytest.raises(LedgerError):
            ledger.sending(people["ana"].messages[0].id, "d1")
        ledger.settle(ledger.sending(people["bo"].messages[0].id, "d2"), "accepted", "250 ok")
    fresh = server.for_event(f"fresh_{version}")
    open_for_run(fresh).close()
    assert _of_postgresql(server) == _of_postgresql(fresh)


def test_what_cannot_be_brought_up_to_date_stays_as_it_was_whole(server: Server) -> None:
    _written_by(6, server)
    with raw(server) as db:
        db.execute("CREATE TABLE share (id BIGINT)")  # somebody's own, in the way of what comes next
        before = _of_postgresql(server)
        with pytest.raises(LedgerError, match="share"):
            open_for_run(server)
        assert _of_postgresql(server) == before
        db.execute("DROP TABLE share")
    open_for_run(server).close()


# --- forgetting -------------------------------------------------------------------------------------------------------


def test_no_byte_of_the_forgotten_is_left_in_the_files_of_the_database(postgres: Postgres) -> None:
    server = Server.parse(postgres.database()).for_event("forgetting")

    def held(number: int) -> set[bytes]:
        postgres.ask("postgres", "CHECKPOINT")
        (oid,) = postgres.ask("postgres", f"SELECT oid FROM pg_database WHERE datname = '{server.database}'")[0]
        files = [path.read_bytes() for path in (postgres.folder / "data" / "base" / str(oid)).iterdir()]
        return {value for value in personal(number) if any(value in content for content in files)}

    with open_for_run(server) as ledger:
        fill(ledger, range(1, 8))
        before = {number: held(number) for number in (2, 3, 4)}
        assert all(before.values())
        ledger.forget([guest(2).key, guest(3).key])
        assert not ledger.is_unfinished()
    assert held(2) == held(3) == set()
    assert held(4) == before[4]

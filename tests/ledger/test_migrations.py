"""A ledger that an earlier version wrote: brought up to date by a run, backed up before, and read without a change."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tui.errors import LedgerError
from tui.ledger import CalledOff, Correction, Decisions, open_for_run, open_to_read
from tui.ledger.databases import VERSION, schema, sqlite

ROWS = """
INSERT INTO fact VALUES ('event', 'fingerprint');
INSERT INTO run (id, command, account, digest, started_at) VALUES (1, 'send', 'work', 'digest', '2027-04-01T09:00:00');
INSERT INTO person (key, address, name, grouped, fields) VALUES ('ana', 'ana@example.org', 'Ana',
    'public', '{"Email": "ana@example.org"}');
INSERT INTO person (key, address, name, grouped, fields) VALUES ('bo', 'bo@example.org', 'Bo', '', '{}');
INSERT INTO message (id, run, key, address, action, uid, sequence, generation, round, line, facts, message_id, stamp,
    digest) VALUES (1, 1, 'ana', 'ana@example.org', 'invite', 'a@x', 0, 0, 0, 2, '{"title": "Ball"}', '<1@x>',
    '2027-04-01T09:00:00+00:00', 'd1');
INSERT INTO message (id, run, key, address, action, uid, sequence, generation, round, line, facts, message_id, stamp,
    digest) VALUES (2, 1, 'bo', 'bo@example.org', 'invite', 'b@x', 0, 0, 0, 3, '{}', '<2@x>',
    '2027-04-01T09:00:00+00:00', 'd2');
INSERT INTO attempt (id, message, digest, outcome, started_at) VALUES (1, 1, 'd1', 'sending', '2027-04-01T09:00:01');
UPDATE attempt SET outcome = 'accepted', reply = '250 ok', settled_at = '2027-04-01T09:00:02' WHERE id = 1;
"""


def rows_of(version: int) -> str:
    """ROWS as this version of the schema has them, in either database."""
    if version < 8:
        return ROWS
    told = """INSERT INTO told (facts) VALUES ('{"title": "Ball"}'); INSERT INTO told (facts) VALUES ('{}');"""
    rows = ROWS.replace("INTO message", "INTO version").replace("line, facts,", "line, told,")
    return told + rows.replace("""2, '{"title": "Ball"}', '<1@x>'""", "2, 1, '<1@x>'").replace("3, '{}',", "3, 2,")


def _written_by(version: int, path: Path) -> Path:
    """A ledger as version `version` of the schema left it, with a message that went out and one that did not."""
    with closing(sqlite3.connect(path)) as db:
        for number in range(1, version + 1):
            db.executescript(schema("sqlite", number))
        db.executescript(sqlite.stamp(version))
        db.executescript(rows_of(version))
    return path


def _schema_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")
        return [" ".join(sql.replace('"', "").split()) for (sql,) in rows]


EARLIER = [pytest.param(version, id=f"from {version}") for version in range(1, VERSION)]


@pytest.mark.parametrize("version", EARLIER)
def test_a_run_brings_it_up_to_date_and_loses_nothing(version: int, tmp_path: Path) -> None:
    path = _written_by(version, tmp_path / "event.ledger.db")
    with open_for_run(path) as ledger:
        people = ledger.people(history=True)
    assert {key: person.outcome for key, person in people.items()} == {"ana": "accepted", "bo": "unsent"}
    assert [entry.reply for entry in people["ana"].history] == ["250 ok"]
    assert [people[key].latest.facts for key in ("ana", "bo")] == [{"title": "Ball"}, {}]
    open_for_run(tmp_path / "fresh.ledger.db").close()
    assert _schema_of(path) == _schema_of(tmp_path / "fresh.ledger.db")


@pytest.mark.parametrize("version", [0, 1])
def test_all_of_it_is_one_commit(version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "event.ledger.db"
    if version:
        _written_by(version, path)
    whole = schema

    def broken(database: str, number: int) -> str:
        return whole(database, number) + "SELECT * FROM nowhere;" * (number == VERSION)

    monkeypatch.setattr(sqlite, "schema", broken)
    with pytest.raises(LedgerError):
        open_for_run(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)


@pytest.mark.parametrize("version", EARLIER)
def test_it_is_backed_up_before(version: int, tmp_path: Path) -> None:
    path = _written_by(version, tmp_path / "event.ledger.db")
    before = _schema_of(path)
    open_for_run(path).close()
    backup = tmp_path / f"event.ledger.db.v{version}.bak"
    assert _schema_of(backup) == before != _schema_of(path)
    assert backup.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("version", EARLIER)
def test_who_only_looks_changes_nothing(version: int, tmp_path: Path) -> None:
    path = _written_by(version, tmp_path / "event.ledger.db")
    before = path.read_bytes()
    with open_to_read(path) as ledger:
        assert set(ledger.people()) == {"ana", "bo"}
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("version", EARLIER)
def test_the_guarantees_hold_afterwards(version: int, tmp_path: Path) -> None:
    path = _written_by(version, tmp_path / "event.ledger.db")
    open_for_run(path).close()
    with closing(sqlite3.connect(path)) as db:
        with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE constraint failed: attempt\.message"):
            db.execute("INSERT INTO attempt (message, digest, outcome, started_at) VALUES (1, 'd', 'sending', 'now')")
        with pytest.raises(sqlite3.IntegrityError, match="history is not rewritten"):
            db.execute("DELETE FROM version WHERE id = 1")
        with pytest.raises(sqlite3.IntegrityError, match="one version to one person"):
            db.execute("UPDATE version SET sequence = 7 WHERE id = 1")


def test_decisions_are_kept_with_their_run(tmp_path: Path) -> None:
    path = _written_by(1, tmp_path / "event.ledger.db")
    first = Correction("ana", "", "ana@example.org", "ana@example.net")
    second = Correction("ana", "", "ana@example.net", "ana@example.com")
    with open_for_run(path) as ledger:
        position = ledger.position()
        ledger.begin("resend", "work", "digest", [], Decisions(corrections=(first,)))
        assert ledger.position() != position
        ledger.begin("resend", "work", "digest", [], Decisions(corrections=(second,)))
        ledger.begin("cancel", "work", "digest", [], Decisions(cancelled=(("bo", "", 0),), called_off="mark"))
        assert ledger.people()["ana"].corrections == (first, second)
        assert ledger.people()["bo"].cancelled == {"": 0}
        assert ledger.called_off() == CalledOff("mark")

"""Forgetting people: what of them leaves the ledger, and what stays.

What stays of a person is what an anonymous report would say: a number, the versions, the outcomes, each day, each
reply's codes and the digests of the messages. So totals and evidence stay true. Beside it stays a keyed hash of each
name that a list may know them by, apart from their messages: a later send finds out that it must leave them out.
"""

import hmac
import json
import re
import secrets
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from tui.address import key_of
from tui.ledger import answers

_CODE = re.compile(r"[2-5]\d\d(?:[ -][245]\.\d{1,3}\.\d{1,3})?(?=[ -]|$)")
_TOLD_TO_ALL = ("session", "title", "start", "foreign")
"""Of what a message told, what says nothing of its recipient: a join link may be theirs alone."""

_MARK_OCTETS = 16
_SECRET = "INSERT OR IGNORE INTO fact VALUES ('left-out', ?)"  # noqa: S105  # a query
_UNFINISHED = "forgetting"


def reply_without_names(reply: str) -> str:
    """A server's reply as its codes alone: its words often repeat the address."""
    found = _CODE.match(reply)
    return found[0] if found else ""


class LeftOut:
    """Who was forgotten. It cannot say who they are: only whether somebody whom a list names is one of them."""

    def __init__(self, secret: str = "", marks: Mapping[bytes, int] | None = None) -> None:
        self._marks = marks or {}
        self._keyed = hmac.new(secret.encode(), digestmod=sha256)

    def __bool__(self) -> bool:
        return bool(self._marks)

    def mark(self, name: str) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(name.encode("utf-8", "surrogatepass"))
        return keyed.digest()[:_MARK_OCTETS]

    def generation(self, key: str, address: str) -> int | None:
        """The newest generation that whoever has this key or address was invited under before they were forgotten;
        None for everybody else."""
        if not self._marks:
            return None
        found = [self._marks.get(self.mark(name), -1) for name in {key, key_of(address)}]
        return max(found) if max(found) >= 0 else None


def left_out(db: sqlite3.Connection) -> LeftOut:
    row = db.execute("SELECT value FROM fact WHERE name = 'left-out'").fetchone()
    return LeftOut(row[0], dict(db.execute("SELECT mark, generation FROM left_out"))) if row else LeftOut()


def is_unfinished(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM fact WHERE name = ?", (_UNFINISHED,)).fetchone() is not None


def finished(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM fact WHERE name = ?", (_UNFINISHED,))


def forget(db: sqlite3.Connection, keys: Collection[str]) -> None:
    """Within a transaction: takes everything personal of these people out of every table.

    What was there is still in the file's free pages and its journal: see `Ledger.forget`.
    """
    db.execute("PRAGMA defer_foreign_keys = ON")  # until the commit: a person and their rows are renamed one by one
    for name, function in (("codes", _codes), ("day", _day), ("told_to_all", _told_to_all)):
        db.create_function(name, 1, function, deterministic=True)
    db.execute(_SECRET, (secrets.token_hex(32),))
    db.execute("INSERT OR IGNORE INTO fact VALUES (?, '')", (_UNFINISHED,))
    addresses = {key: {key_of(address) for address in _addresses(db, key)} - {""} for key in keys}
    _leave_out(db, addresses)
    renamed = {key: f"forgotten {secrets.token_hex(16)}" for key in keys}
    now = datetime.now(UTC).date().isoformat()
    db.executemany("INSERT INTO forgotten VALUES (?, ?)", [(new, now) for new in renamed.values()])
    names = [{"old": old, "new": new} for old, new in renamed.items()]
    versions = [{**name, "uid": uid, "number": number} for name in names for number, uid in _uids(db, name["old"])]
    db.executemany(
        "UPDATE message SET key = :new, uid = :new || ' ' || :number, address = '', line = NULL, message_id = '',"
        " facts = told_to_all(facts), stamp = day(stamp), reply = codes(reply), settled_at = day(settled_at)"
        " WHERE key = :old AND uid = :uid",
        versions,
    )
    for statement in _STATEMENTS:
        db.executemany(statement, names)
    _keep_last_answers(db, versions)
    _take_out_of_others(db, frozenset[str]().union(*addresses.values()))


_REDACTED_ATTEMPTS = (
    "UPDATE attempt SET reply = codes(reply), started_at = day(started_at), settled_at = day(settled_at)"
    " WHERE message IN (SELECT id FROM message WHERE key = :new)"
)
_NOTHING_KEPT = (
    "DELETE FROM kept WHERE attempt IN"
    " (SELECT a.id FROM attempt a JOIN message m ON m.id = a.message WHERE m.key = :new)"
)
_STATEMENTS = (
    "UPDATE person SET key = :new, address = '', name = '', grouped = '', fields = '{}' WHERE key = :old",
    _REDACTED_ATTEMPTS,
    _NOTHING_KEPT,
    "UPDATE correction SET key = :new, before = '', after = '', at = day(at) WHERE key = :old",
    "UPDATE cancellation SET key = :new, at = day(at) WHERE key = :old",
    "UPDATE promise SET key = :new, at = day(at) WHERE key = :old",
    "DELETE FROM request WHERE key = :old",
    "UPDATE bounce SET key = :new, address = '', reply = codes(reply), at = day(at) WHERE key = :old",
)
_ANSWER = (
    "UPDATE answer SET key = :new, uid = :new || ' ' || :number, address = '', sender = '', stamp = day(stamp),"
    " at = day(at), comment = '', proposed = '', delegated_to = '', accepted_at = day(accepted_at) WHERE id = :id"
)


def _keep_last_answers(db: sqlite3.Connection, versions: Iterable[Mapping[str, Any]]) -> None:
    """Of what each answered to each entry the answer that holds stays, without anything in words."""
    answered = {key for (key,) in db.execute("SELECT DISTINCT key FROM answer")}
    for version in (one for one in versions if one["old"] in answered):
        own = (answer for answer in answers.of_person(db, version["old"]) if answer.counts)
        last = {
            answer.occurrence: answer.id
            for answer in sorted(own, key=lambda one: one.order)
            if answer.uid == version["uid"]
        }
        db.executemany(_ANSWER, [{**version, "id": id_} for id_ in last.values()])
    db.executemany("DELETE FROM answer WHERE key = :old", versions)


def _take_out_of_others(db: sqlite3.Connection, theirs: Collection[str]) -> None:
    """What came back about somebody else's invitation, and has one of these addresses."""
    db.create_function("is_theirs", 1, lambda text: bool(text) and key_of(text) in theirs)
    for statement in (
        "DELETE FROM answer WHERE is_theirs(address) OR is_theirs(sender)",
        "UPDATE answer SET delegated_to = '' WHERE is_theirs(delegated_to)",
        "DELETE FROM request WHERE is_theirs(sender) OR is_theirs(suggested)",
        "UPDATE bounce SET address = '' WHERE is_theirs(address)",
    ):
        db.execute(statement)


def _leave_out(db: sqlite3.Connection, addresses: Mapping[str, Collection[str]]) -> None:
    marks = left_out(db)
    newest = dict(db.execute("SELECT key, max(generation) FROM message GROUP BY key"))
    rows = [(marks.mark(name), newest.get(key, 0)) for key, own in addresses.items() for name in {key, *own}]
    db.executemany(
        "INSERT INTO left_out VALUES (?, ?) ON CONFLICT (mark) DO UPDATE"
        " SET generation = max(generation, excluded.generation)",
        rows,
    )


def _addresses(db: sqlite3.Connection, key: str) -> Iterator[str]:
    """Every address that this person was ever known by."""
    for (address,) in db.execute(
        "SELECT address FROM person WHERE key = :key UNION SELECT address FROM message WHERE key = :key"
        " UNION SELECT before FROM correction WHERE key = :key AND header = ''"
        " UNION SELECT after FROM correction WHERE key = :key AND header = ''",
        {"key": key},
    ):
        yield address


def _uids(db: sqlite3.Connection, key: str) -> Iterator[tuple[int, str]]:
    rows = db.execute("SELECT uid FROM message WHERE key = ? GROUP BY uid ORDER BY min(id)", (key,)).fetchall()
    return ((number, uid) for number, (uid,) in enumerate(rows, 1))


def _codes(reply: str) -> str:
    return reply_without_names(reply)


def _day(moment: str | None) -> str | None:
    """The midnight before it: a time to the second tells who it was to whoever has the mail server's log."""
    return None if moment is None else f"{moment[:10]}T00:00:00+00:00"


def _told_to_all(facts: str) -> str:
    told = json.loads(facts)
    return json.dumps({name: told[name] for name in _TOLD_TO_ALL if name in told})

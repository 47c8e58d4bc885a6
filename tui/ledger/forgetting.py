"""Forgetting people: what of them leaves the ledger, and what stays.

What stays of a person is what an anonymous report would say: a number, the versions, the outcomes, each day, each
reply's codes and the digests of the messages. So totals and evidence stay true. Beside it stays a keyed hash of each
name that a list may know them by, apart from their messages: a later send finds out that it must leave them out.
"""

import hmac
import json
import re
import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from tui.address import key_of
from tui.ledger import answers
from tui.ledger.databases import Database, tell

_CODE = re.compile(r"[2-5]\d\d(?:[ -][245]\.\d{1,3}\.\d{1,3})?(?=[ -]|$)")
_TOLD_TO_ALL = ("session", "title", "start", "foreign")
"""Of what a message told, what says nothing of its recipient: a join link may be theirs alone."""

_MARK_OCTETS = 16
_FACT = "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
_UNFINISHED = "forgetting"
_AT_ONCE = 500  # people


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


def left_out(db: Database) -> LeftOut:
    row = db.execute("SELECT value FROM fact WHERE name = 'left-out'").fetchone()
    return LeftOut(row[0], dict(db.execute("SELECT mark, generation FROM left_out"))) if row else LeftOut()


def is_unfinished(db: Database) -> bool:
    return db.execute("SELECT 1 FROM fact WHERE name = ?", (_UNFINISHED,)).fetchone() is not None


def finished(db: Database) -> None:
    db.execute("DELETE FROM fact WHERE name = ?", (_UNFINISHED,))


def forget(db: Database, keys: Collection[str]) -> None:
    """Within a transaction: takes everything personal of these people out of every table.

    What was there is still on the disk where nothing has been written over it: see `Ledger.forget`.
    """
    db.defer_references()  # until the commit: a person and their rows are renamed one by one
    db.each(_FACT, [("left-out", secrets.token_hex(32)), (_UNFINISHED, "")])
    theirs: set[str] = set()
    everybody = list(keys)
    for start in range(0, len(everybody), _AT_ONCE):
        theirs |= _forget(db, everybody[start : start + _AT_ONCE])
    db.execute("DELETE FROM told WHERE id NOT IN (SELECT told FROM version)")
    _take_out_of_others(db, theirs)


def _forget(db: Database, keys: Sequence[str]) -> set[str]:
    """Forgets so many; returns every address that they were known by."""
    addresses = _addresses(db, keys)
    _leave_out(db, addresses)
    renamed = {key: f"forgotten {secrets.token_hex(16)}" for key in keys}
    now = datetime.now(UTC).date().isoformat()
    db.each("INSERT INTO forgotten (key, at) VALUES (?, ?)", [(new, now) for new in renamed.values()])
    db.each(
        "UPDATE person SET key = ?, address = '', name = '', grouped = '', fields = '{}' WHERE key = ?",
        [(new, old) for old, new in renamed.items()],
    )
    uids = _forget_messages(db, renamed)
    _forget_decisions(db, renamed)
    _forget_answers(db, renamed, uids)
    _forget_what_came_back(db, renamed)
    return {address for own in addresses.values() for address in own}


_VERSION = (
    "UPDATE version SET key = ?, uid = ?, address = '', line = NULL, message_id = '', told = ?, stamp = ? WHERE id = ?"
)
_ATTEMPT = "UPDATE attempt SET reply = ?, started_at = ?, settled_at = ? WHERE id = ?"
_ANSWER = (
    "UPDATE answer SET key = ?, uid = ?, address = '', sender = '', stamp = ?, at = ?, comment = '', proposed = '',"
    " delegated_to = '', accepted_at = ? WHERE id = ?"
)


def _forget_messages(db: Database, renamed: Mapping[str, str]) -> Mapping[tuple[str, str], str]:
    """Returns what became of each person's UIDs."""
    keys = list(renamed)
    attempts = db.among(
        "SELECT a.id, a.reply, a.started_at, a.settled_at FROM attempt a JOIN version v ON v.id = a.message"
        " WHERE v.key IN (...)",
        keys,
    ).fetchall()
    db.each("DELETE FROM kept WHERE attempt = ?", [(id_,) for id_, *_ in attempts])
    messages = db.among(
        "SELECT v.id, v.key, v.uid, v.stamp, t.facts FROM version v JOIN told t ON t.id = v.told"
        " WHERE v.key IN (...) ORDER BY v.id",
        keys,
    ).fetchall()
    uids: dict[tuple[str, str], str] = {}
    numbers = Counter[str]()
    for _, key, uid, *_ in messages:
        if (key, uid) not in uids:
            numbers[key] += 1
            uids[key, uid] = f"{renamed[key]} {numbers[key]}"
    less = [_told_to_all(facts) for *_, facts in messages]
    told = tell(db, less)
    db.each(
        _VERSION,
        [
            (renamed[key], uids[key, uid], told[facts], _day(stamp), id_)
            for (id_, key, uid, stamp, _), facts in zip(messages, less, strict=True)
        ],
    )
    db.each(
        _ATTEMPT,
        [(_codes(reply), _day(started_at), _day(settled_at), id_) for id_, reply, started_at, settled_at in attempts],
    )
    return uids


def _forget_answers(db: Database, renamed: Mapping[str, str], uids: Mapping[tuple[str, str], str]) -> None:
    """Of what each answered to each entry the answer that holds stays, without anything in words."""
    own = [one for one in answers.of_people(db, list(renamed)) if one.counts and (one.key, one.uid) in uids]
    last = {(one.key, one.uid, one.occurrence): one for one in sorted(own, key=lambda one: one.order)}
    db.each(
        _ANSWER,
        [
            (
                *(renamed[one.key], uids[one.key, one.uid], _day(one.stamp.isoformat()), _day(one.at.isoformat())),
                *(_day(one.accepted_at), one.id),
            )
            for one in last.values()
        ],
    )
    db.among("DELETE FROM answer WHERE key IN (...)", list(renamed))


def _forget_what_came_back(db: Database, renamed: Mapping[str, str]) -> None:
    bounces = db.among("SELECT id, key, reply, at FROM bounce WHERE key IN (...)", list(renamed)).fetchall()
    db.each(
        "UPDATE bounce SET key = ?, address = '', reply = ?, at = ? WHERE id = ?",
        [(renamed[key], _codes(reply), _day(at), id_) for id_, key, reply, at in bounces],
    )
    db.among("DELETE FROM request WHERE key IN (...)", list(renamed))


def _forget_decisions(db: Database, renamed: Mapping[str, str]) -> None:
    for query, change in _DECISIONS:
        found = db.among(query, list(renamed)).fetchall()
        db.each(change, [(renamed[key], _day(at), number) for number, key, at in found])


_DECISIONS = (
    (
        "SELECT id, key, at FROM correction WHERE key IN (...)",
        "UPDATE correction SET key = ?, before = '', after = '', at = ? WHERE id = ?",
    ),
    (
        "SELECT number, key, at FROM cancellation WHERE key IN (...)",
        "UPDATE cancellation SET key = ?, at = ? WHERE number = ?",
    ),
    ("SELECT number, key, at FROM promise WHERE key IN (...)", "UPDATE promise SET key = ?, at = ? WHERE number = ?"),
)


def _take_out_of_others(db: Database, theirs: Collection[str]) -> None:
    """What came back about somebody else's invitation, and has one of these addresses."""

    def is_theirs(text: str | None) -> bool:
        return bool(text) and key_of(text or "") in theirs

    rows = db.execute("SELECT id, address, sender, delegated_to FROM answer").fetchall()
    named = [(id_,) for id_, address, sender, _ in rows if is_theirs(address) or is_theirs(sender)]
    db.each("DELETE FROM answer WHERE id = ?", named)
    db.each("UPDATE answer SET delegated_to = '' WHERE id = ?", [(id_,) for id_, *_, to in rows if is_theirs(to)])
    rows = db.execute("SELECT id, sender, suggested FROM request").fetchall()
    named = [(id_,) for id_, sender, suggested in rows if is_theirs(sender) or is_theirs(suggested)]
    db.each("DELETE FROM request WHERE id = ?", named)
    rows = db.execute("SELECT id, address FROM bounce").fetchall()
    db.each("UPDATE bounce SET address = '' WHERE id = ?", [(id_,) for id_, address in rows if is_theirs(address)])


def _leave_out(db: Database, addresses: Mapping[str, Collection[str]]) -> None:
    marks = left_out(db)
    newest: dict[str, int] = dict(
        db.among("SELECT key, max(generation) FROM version WHERE key IN (...) GROUP BY key", list(addresses))
    )
    rows = [(marks.mark(name), newest.get(key, 0)) for key, own in addresses.items() for name in {key, *own}]
    db.each(
        "INSERT INTO left_out (mark, generation) VALUES (?, ?) ON CONFLICT (mark) DO UPDATE SET generation ="
        " CASE WHEN excluded.generation > left_out.generation THEN excluded.generation ELSE left_out.generation END",
        rows,
    )


def _addresses(db: Database, keys: Sequence[str]) -> Mapping[str, Collection[str]]:
    """Every address that each of these people was ever known by, as comparisons use it."""
    found: dict[str, set[str]] = {key: set() for key in keys}
    for query in (
        "SELECT key, address FROM person WHERE key IN (...)",
        "SELECT key, address FROM version WHERE key IN (...)",
        "SELECT key, before FROM correction WHERE header = '' AND key IN (...)",
        "SELECT key, after FROM correction WHERE header = '' AND key IN (...)",
    ):
        for key, address in db.among(query, keys):
            found[key] |= {key_of(address)} - {""}
    return found


def _codes(reply: str) -> str:
    return reply_without_names(reply)


def _day(moment: str | None) -> str | None:
    """The midnight before it: a time to the second tells who it was to whoever has the mail server's log."""
    return None if moment is None else f"{moment[:10]}T00:00:00+00:00"


def _told_to_all(facts: str) -> str:
    told = json.loads(facts)
    return json.dumps({name: told[name] for name in _TOLD_TO_ALL if name in told})

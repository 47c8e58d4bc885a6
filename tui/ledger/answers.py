"""What came back: answers of calendars, bounces, requests in words; and how far each mailbox has been read.

The records, and every query about them; `Ledger` lends its connection.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from tui.ledger.databases import Database, Row

Response = Literal["accepted", "declined", "tentative", "delegated", "countered"]
BounceKind = Literal["failed", "delayed"]
RequestKind = Literal["address", "withdraw", "other"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One calendar's answer to one entry (RFC 5546 §3.2.3, §3.2.7).

    `address` is whom the calendar answers for, `sender` who sent it. `is_verified`: they are the same, and the person
    invited. `is_forwarded`: it answers for somebody else than the person invited. `accepted_at` is when the organiser
    took it for that person's answer all the same. `leaning` is what a counter-proposal says of the time as it is.
    `proposed` are start and end, ISO 8601. `occurrence` is the one meeting of a series that it is about, "" for all.
    `stamp` is its DTSTAMP; `at` when the mail was sent, or read if it says it was sent later.
    """

    key: str
    uid: str
    address: str
    sender: str
    response: Response
    sequence: int
    stamp: datetime
    at: datetime
    comment: str = ""
    proposed: tuple[str, str] | None = None
    leaning: str = ""
    delegated_to: str = ""
    occurrence: str = ""
    is_verified: bool = False
    is_forwarded: bool = False
    accepted_at: str | None = None
    id: int = 0

    @property
    def counts(self) -> bool:
        """Whether it is the person's own, by what it says or by the organiser's word."""
        return (self.is_verified and not self.is_forwarded) or self.accepted_at is not None

    @property
    def in_short(self) -> Literal["accepted", "declined", "tentative", "none"]:
        """Whether the person comes. Who asks for another time may; who sends somebody else has not said."""
        word = self.response if self.response != "countered" else self.leaning or "tentative"
        return word if word in ("accepted", "declined", "tentative") else "none"  # type: ignore[return-value]  # one of the three

    @property
    def order(self) -> tuple[int, datetime, int]:
        """Of two answers to one entry the greater holds (RFC 5546 §2.1.5)."""
        return self.sequence, self.stamp, self.id


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail server's word that a message has not arrived (`failed`), or not yet (`delayed`). `message` is its number
    in the ledger."""

    key: str
    message: int
    address: str
    kind: BounceKind
    reply: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """A mail in words. `address` is where the person was invited, `sender` who wrote; `suggested` is the address that
    the text asks for, None where that is not clear. `settled_at`: the organiser has said that it is dealt with."""

    key: str
    address: str
    sender: str
    kind: RequestKind
    text: str
    suggested: str | None
    at: datetime
    settled_at: str | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that came back, each kind in the order in which it was read."""

    answers: tuple[Answer, ...] = ()
    bounces: tuple[Bounce, ...] = ()
    requests: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail that was read: what tells it from every other one, and what it says of this event."""

    identity: str
    answers: tuple[Answer, ...] = ()
    bounces: tuple[Bounce, ...] = ()
    requests: tuple[Request, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """How far a folder of an account has been read (RFC 9051 §2.3.1.1): its UIDVALIDITY, and the highest UID read."""

    account: str
    folder: str
    validity: int
    uid: int


_ANSWERS = (
    "SELECT key, uid, address, sender, response, sequence, stamp, at, comment, proposed, leaning, delegated_to,"
    " occurrence, is_verified, is_forwarded, accepted_at, id FROM answer"
)
_BOUNCES = "SELECT key, message, address, kind, reply, at FROM bounce"
_OF_NOBODY_FORGOTTEN = "WHERE key NOT IN (SELECT key FROM forgotten)"


def take_in(db: Database, mails: Iterable[Taken], places: Iterable[Place]) -> Sequence[bool]:
    """Records mails, and how far their folders are read; returns of each whether it had not been read before."""
    now, new = datetime.now(UTC).isoformat(timespec="milliseconds"), []
    for mail in mails:
        made = db.execute(
            "INSERT INTO mail (identity, read_at) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id",
            (mail.identity, now),
        ).fetchone()
        new.append(made is not None)
        if made is not None:
            _put_down(db, made[0], mail)
    db.each(
        "INSERT INTO mailbox (account, folder, validity, uid) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (account, folder) DO UPDATE SET validity = excluded.validity, uid = excluded.uid",
        [(place.account, place.folder, place.validity, place.uid) for place in places],
    )
    return new


def _put_down(db: Database, mail: int, taken: Taken) -> None:
    for answer in taken.answers:
        db.execute(
            "INSERT INTO answer (mail, key, uid, address, sender, response, sequence, stamp, at, comment, proposed,"
            " leaning, delegated_to, occurrence, is_verified, is_forwarded)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            # One answer in two mails: a copy that somebody forwarded takes nothing from the person's own.
            " ON CONFLICT (key, uid, occurrence, address, sender, sequence, stamp, response) DO UPDATE SET"
            " is_verified = CASE WHEN excluded.is_verified = 1 THEN 1 ELSE answer.is_verified END",
            (
                *(mail, answer.key, answer.uid, answer.address, answer.sender, answer.response, answer.sequence),
                *(answer.stamp.astimezone(UTC).isoformat(), answer.at.astimezone(UTC).isoformat(), answer.comment),
                *(json.dumps(answer.proposed) if answer.proposed else "", answer.leaning, answer.delegated_to),
                *(answer.occurrence, int(answer.is_verified), int(answer.is_forwarded)),
            ),
        )
    for bounce in taken.bounces:
        db.execute(
            "INSERT INTO bounce (mail, key, message, address, kind, reply, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (mail, bounce.key, bounce.message, bounce.address, bounce.kind, bounce.reply, bounce.at.isoformat()),
        )
    for one in taken.requests:
        db.execute(
            "INSERT INTO request (mail, key, address, sender, kind, text, suggested, at) SELECT"
            " :mail, :key, :address, :sender, :kind, :text, :suggested, :at WHERE NOT EXISTS"
            # A mail that a list or a gateway has changed on its way, and the one that came directly.
            " (SELECT 1 FROM request WHERE key = :key AND sender = :sender AND text = :text)",
            {
                "mail": mail,
                "key": one.key,
                "address": one.address,
                "sender": one.sender,
                "kind": one.kind,
                "text": one.text,
                "suggested": one.suggested,
                "at": one.at.isoformat(),
            },
        )


def everything(db: Database) -> Answers:
    """All that is known of whom; nothing of those who were forgotten."""
    return Answers(tuple(_answers(db, _OF_NOBODY_FORGOTTEN)), tuple(_bounces(db)), tuple(_requests(db)))


def counting(db: Database) -> Mapping[str, tuple[Answer, ...]]:
    """The answers that count as the person's own, by key."""
    found: dict[str, tuple[Answer, ...]] = {}
    for answer in _answers(db):
        if answer.counts:
            found[answer.key] = (*found.get(answer.key, ()), answer)
    return found


def bounced(db: Database) -> Mapping[int, str]:
    """The messages that have come back for good, by their numbers, each with the server's words."""
    rows = db.execute("SELECT message, reply FROM bounce WHERE kind = 'failed' ORDER BY id")
    return {message: reply or "it came back" for message, reply in rows}


def read_so_far(db: Database, account: str) -> Mapping[str, Place]:
    """How far each folder of the account has been read, by the folder's name."""
    rows = db.execute("SELECT account, folder, validity, uid FROM mailbox WHERE account = ?", (account,))
    return {place.folder: place for place in (Place(*row) for row in rows)}


def accept(db: Database, ids: Iterable[int], now: str) -> None:
    """The organiser takes these answers for those of the people invited."""
    db.each("UPDATE answer SET accepted_at = ? WHERE id = ? AND accepted_at IS NULL", [(now, id_) for id_ in ids])


def settle(db: Database, ids: Iterable[int], now: str) -> None:
    """The organiser has dealt with these requests."""
    rows = [(now, id_) for id_ in ids]
    db.each("UPDATE request SET settled_at = ? WHERE id = ? AND settled_at IS NULL", rows)


def of_people(db: Database, keys: Sequence[str]) -> Iterator[Answer]:
    """The answers to these people's invitations."""
    return map(_answer, db.among(f"{_ANSWERS} WHERE key IN (...) ORDER BY id", keys))


def _answers(db: Database, which: str = "") -> Iterator[Answer]:
    return map(_answer, db.stream(f"{_ANSWERS} {which} ORDER BY id"))


def _answer(row: Row) -> Answer:
    key, uid, address, sender, response, sequence, stamp, at, comment, proposed, *rest = row
    leaning, delegated_to, occurrence, is_verified, is_forwarded, accepted_at, id_ = rest
    times = tuple(json.loads(proposed)) if proposed else None
    return Answer(
        *(key, uid, address, sender, response, sequence),
        *(datetime.fromisoformat(stamp), datetime.fromisoformat(at), comment, times, leaning, delegated_to),
        *(occurrence, bool(is_verified), bool(is_forwarded), accepted_at, id_),
    )


def _bounces(db: Database) -> Iterator[Bounce]:
    for key, message, address, kind, reply, at in db.execute(f"{_BOUNCES} {_OF_NOBODY_FORGOTTEN} ORDER BY id"):
        yield Bounce(key, message, address, kind, reply, datetime.fromisoformat(at))


def _requests(db: Database) -> Iterator[Request]:
    for key, address, sender, kind, text, suggested, at, *rest in db.execute(
        "SELECT key, address, sender, kind, text, suggested, at, settled_at, id FROM request ORDER BY id"
    ):
        yield Request(key, address, sender, kind, text, suggested, datetime.fromisoformat(at), *rest)


__all__ = [
    "Answer",
    "Answers",
    "Bounce",
    "BounceKind",
    "Place",
    "Request",
    "RequestKind",
    "Response",
    "Taken",
]

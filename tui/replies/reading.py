"""One mail to what it says of an invitation: bytes in, facts out. Nothing here knows the ledger."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tui.audit.people import mailboxes
from tui.audit.reading import Mail, Part
from tui.clean import one_line
from tui.replies import delivery_status
from tui.replies.delivery_status import Failure
from tui.replies.itip import CalendarAnswer, answers_in
from tui.replies.phrases import AUTOMATIC_SUBJECT
from tui.replies.words import Words, words_of

_MOST_CALENDARS = 10  # of one mail
_MOST_REFERENCES = 100
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,990})>")
_CALENDAR_KINDS = ("text/calendar", "application/ics", "text/x-vcalendar")


@dataclass(frozen=True, slots=True)
class Reading:
    """One mail, understood.

    `identity` tells it from every other mail, however it was stored. `sender` is the key of its one author, "" where
    there are none or several. `message_id` and `references` are ids without their brackets. `at` is None where its Date
    cannot be read. What it says is in `answers` or `failures`; in `words` where it is a person's own mail, which is
    None for automatic ones: an absence note asks for nothing.
    """

    identity: str
    sender: str
    subject: str
    message_id: str
    references: tuple[str, ...]
    at: datetime | None
    answers: tuple[CalendarAnswer, ...] = ()
    failures: tuple[Failure, ...] = ()
    words: Words | None = None


def read(mail: Mail, raw: bytes) -> Reading:
    """What a mail of any program says. Never raises; `raw` are the bytes that `mail` was read from."""
    senders = mailboxes(mail.first("from"))
    sender = one_line(senders[0]) if len(senders) == 1 and "@" in senders[0] else ""
    answers = tuple(_answers(mail))
    failures: tuple[Failure, ...] = ()
    words: Words | None = None
    if answers:
        words = words_of(mail)
    elif delivery_status.is_notification(mail):
        failures = tuple(delivery_status.failures(mail))
    elif delivery_status.is_from_daemon(mail, sender):
        failures = tuple(delivery_status.unwritten(mail, raw))
    elif not _is_automatic(mail):
        words = words_of(mail)
    ids = _MESSAGE_ID.findall(mail.first("message-id"))
    return Reading(
        identity=_identity(mail),
        sender=sender,
        subject=mail.first("subject")[:500],
        message_id=ids[0] if ids else "",
        references=tuple(_references(mail)),
        at=_date(mail.first("date")),
        answers=answers,
        failures=failures,
        words=words,
    )


def _answers(mail: Mail) -> Iterator[CalendarAnswer]:
    """The answers of calendars, wherever they stand; the alternative and its attached copy are one."""
    met = set()
    for part, _ in zip(_calendars(mail, 0), range(_MOST_CALENDARS), strict=False):
        method = next((header.raw for header in part.headers if header.name.lower() == "content-type"), "")
        found = re.search(r";\s*method\s*=\s*\"?([A-Za-z]+)", method[:2000], re.IGNORECASE)
        for answer in answers_in(part.text(), found[1] if found else ""):
            if answer not in met:
                met.add(answer)
                yield answer


def _calendars(mail: Mail, depth: int) -> Iterator[Part]:
    for part in mail.parts:
        if part.inner is not None:
            if depth < 3:
                yield from _calendars(part.inner, depth + 1)
        elif part.kind in _CALENDAR_KINDS or any(name.lower().endswith((".ics", ".vcs")) for name in part.names):
            yield part


def _is_automatic(mail: Mail) -> bool:
    """Whether a program wrote it by itself (RFC 3834, and what was before): an absence note, a receipt, a circular."""
    said = mail.first("auto-submitted").lower()
    if said and not said.startswith("no"):
        return True
    if any(mail.first(name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "list-id")):
        return True
    if mail.first("precedence").lower() in ("bulk", "junk", "list", "auto_reply"):
        return True
    if any(part.kind in ("message/disposition-notification", "message/feedback-report") for part in mail.parts):
        return True
    return bool(AUTOMATIC_SUBJECT.match(mail.first("subject").strip()))


def _references(mail: Mail) -> Iterator[str]:
    found = [one for name in ("in-reply-to", "references") for one in _MESSAGE_ID.findall(mail.first(name))]
    yield from dict.fromkeys(found[:_MOST_REFERENCES])


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text[:200])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _identity(mail: Mail) -> str:
    """The same for a mail in two folders, or exported from one: by its id, author and date, and by what it holds, but
    for line ends and the > that an mbox puts before some lines."""
    told = [mail.first(name) for name in ("message-id", "from", "date")]
    seal = hashlib.sha256("\0".join(told).encode("utf-8", "surrogatepass"))
    for part in mail.parts:
        seal.update(part.kind.encode() + b"\0" + b" ".join(part.content.replace(b">", b"").split()) + b"\0")
        if part.inner is not None:
            seal.update(_identity(part.inner).encode())
    return seal.hexdigest()

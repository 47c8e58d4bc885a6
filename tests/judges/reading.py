"""What one judge read in one message, in a form that is the same for all, and how it differs from what was meant.

A day is written YYYY-MM-DD; a moment is in UTC, with a Z. Line ends of texts are LF, and those at the end of a body do
not count: some readers add one.
"""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime

MOST_OCCURRENCES = 60
"""How many occurrences of a recurring event are compared: two changes of the clock for a weekly one."""

Person = tuple[str, str]
"""A name, empty where there is none, and a bare address."""


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A message as a mail program has it. None: this judge does not say."""

    sender: Person
    to: tuple[Person, ...]
    subject: str
    message_id: str
    text: str
    html: str
    parts: tuple[tuple[str, str, str], ...]
    """All that is neither the text nor the HTML, in order: type, file name, content (in base64 what is no text)."""
    method: str | None = None
    """The `method` of the calendar part's Content-Type."""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A calendar object as a calendar has it. None: this judge does not say."""

    entries: int
    method: str
    uid: str
    sequence: int
    stamp: str
    summary: str
    location: str
    description: str
    status: str
    start: str
    end: str
    organizers: tuple[Person, ...]
    attendees: tuple[Person, ...]
    occurrences: tuple[str, ...] | None = None
    """When it happens, the first MOST_OCCURRENCES of them."""
    faults: tuple[str, ...] = ()


Reading = Mail | Entry


def differences(meant: Reading, read: Reading, *, but: AbstractSet[str] = frozenset()) -> list[str]:
    """Where what was read is not what was meant, in words; fields in `but` are not compared."""
    found = []
    for field in fields(meant):
        said, heard = getattr(meant, field.name), getattr(read, field.name)
        if field.name in ("text", "html"):
            said, heard = said.rstrip("\n"), heard.rstrip("\n")
        if field.name in ("organizers", "attendees"):
            said, heard = _without_marks(said), _without_marks(heard)
        if heard != said and heard is not None and field.name not in but:
            found.append(f"{field.name}: {_apart(repr(said), repr(heard))}")
    return found


def _without_marks(people: tuple[Person, ...]) -> tuple[Person, ...]:
    # A double quote cannot stand in a parameter (RFC 5545 §3.2), a caret not by itself (RFC 6868), and half of the
    # readers take a backslash for an escape: these marks may be lost from a name, and nothing else may.
    return tuple((re.sub(r"[\\^\"'/]", "", name), address) for name, address in people)


def _apart(said: str, heard: str) -> str:
    """Both, from a little before the place where they part."""
    same = next((at for at, (one, other) in enumerate(zip(said, heard, strict=False)) if one != other), 0)
    begin = max(0, same - 20)
    return f"meant ...{said[begin : begin + 120]}, read ...{heard[begin : begin + 120]}"


def silent(read: Reading) -> frozenset[str]:
    """Of what the judge said nothing."""
    return frozenset(field.name for field in fields(read) if getattr(read, field.name) is None)


def moment(value: date) -> str:
    """A day, or an aware datetime, as it stands in a reading. A datetime of no zone is nobody's: it keeps no Z."""
    if not isinstance(value, datetime):
        return value.isoformat()
    if value.tzinfo is None:
        return value.isoformat()
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"

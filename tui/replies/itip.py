"""Answers of calendar programs: REPLY and COUNTER objects (RFC 5546), as Outlook, Google, Apple and others write them.

A reader of its own, because of a hostile object only a few lines are of interest: it takes linear time, and raises
nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from tui.address import key_of
from tui.audit.people import unfolded
from tui.clean import body_text, one_line

_LONGEST = 1_000_000  # characters of one object that are looked at
_MOST_ENTRIES = 50  # of one object
_LONGEST_LINE = 20_000
_LONGEST_COMMENT = 2_000
_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_PARAMETER = re.compile(r";([A-Za-z0-9-]{1,60})=(\"[^\"]*\"|[^\";:,]*)((?:,(?:\"[^\"]*\"|[^\";:,]*))*)")
_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z?")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_METHODS = ("REPLY", "COUNTER")


@dataclass(frozen=True, slots=True)
class Line:
    """A content line: its name in capitals, its parameters by names in capitals, and the value as it stands."""

    name: str
    parameters: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        """The value as TEXT (RFC 5545 §3.3.11), harmless and not endless."""
        value = self.value[: 2 * _LONGEST_COMMENT]
        plain = _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
        return body_text(plain).strip()[:_LONGEST_COMMENT]


@dataclass(frozen=True, slots=True)
class Attendee:
    """One ATTENDEE of an answer: the address as written, PARTSTAT in capitals, and who comes in their place."""

    address: str
    status: str
    delegated_to: str
    comment: str


@dataclass(frozen=True, slots=True)
class CalendarAnswer:
    """One entry of a REPLY or COUNTER. `stamp` is None where it has none that can be read. `occurrence` is its
    RECURRENCE-ID, "" for the whole entry. `proposed`: start and end, ISO 8601, of a COUNTER."""

    is_counter: bool
    uid: str
    occurrence: str
    sequence: int
    stamp: datetime | None
    attendees: tuple[Attendee, ...]
    comment: str
    proposed: tuple[str, str] | None
    program: str

    def of(self, sender: str) -> Attendee | None:
        """The ATTENDEE who answers: the only one; of several the sender, else the only one who says anything."""
        if len(self.attendees) < 2:
            return self.attendees[0] if self.attendees else None
        own = [one for one in self.attendees if key_of(one.address) == sender]
        said = [one for one in self.attendees if one.status not in ("", "NEEDS-ACTION")]
        return own[0] if own else said[0] if len(said) == 1 else None


def answers_in(text: str, method: str = "") -> Iterator[CalendarAnswer]:
    """The answers in a calendar object. `method` is what the MIME part says, for an object that does not say it."""
    text = text[:_LONGEST]
    lines = [*_lines(text)]
    said = next((line.value.strip().upper() for line in lines if line.name == "METHOD"), method.strip().upper())
    if said not in _METHODS:
        return
    program = next((line.value for line in lines if line.name == "PRODID"), "")[:200]
    proposed = _proposed(text) if said == "COUNTER" else None
    for entry in _entries(lines)[:_MOST_ENTRIES]:
        if found := _answer(entry, said == "COUNTER", proposed, program):
            yield found


def _answer(
    entry: Sequence[Line], is_counter: bool, proposed: tuple[str, str] | None, program: str
) -> CalendarAnswer | None:
    first: dict[str, Line] = {}
    for line in entry:
        first.setdefault(line.name, line)
    uid = one_line(first["UID"].value)[:500] if "UID" in first else ""
    if not uid:
        return None
    sequence = first["SEQUENCE"].value.strip() if "SEQUENCE" in first else ""
    comments = [line.text for line in entry if line.name == "COMMENT"][:5]
    return CalendarAnswer(
        is_counter=is_counter,
        uid=uid,
        occurrence=one_line(first["RECURRENCE-ID"].value)[:100] if "RECURRENCE-ID" in first else "",
        sequence=int(sequence) if re.fullmatch(r"[0-9]{1,9}", sequence) else 0,
        stamp=_moment(first["DTSTAMP"].value) if "DTSTAMP" in first else None,
        attendees=tuple(_attendees(entry)),
        comment="\n".join(filter(None, comments)),
        proposed=proposed,
        program=program,
    )


def _attendees(entry: Sequence[Line]) -> Iterator[Attendee]:
    for line in [line for line in entry if line.name == "ATTENDEE"][:_MOST_ENTRIES]:
        address = _address(line)
        if address:
            yield Attendee(
                address,
                line.parameters.get("PARTSTAT", "").strip().upper(),
                _mailbox(line.parameters.get("DELEGATED-TO", "")),
                # Google's and Exchange's place for a note to the organizer.
                body_text(line.parameters.get("X-RESPONSE-COMMENT", "")).strip()[:_LONGEST_COMMENT],
            )


def _address(line: Line) -> str:
    if "@" in line.value:
        return _mailbox(line.value)
    return _mailbox(line.parameters.get("EMAIL", ""))  # Apple's servers write a path as the value


def _mailbox(value: str) -> str:
    value = value.strip().strip('"')
    if value[:7].lower() == "mailto:":
        value = unquote(value[7:]).partition("?")[0]
    return one_line(value).strip("<>")[:320]


def _lines(text: str) -> Iterator[Line]:
    for raw in re.split(r"[\r\n]+", unfolded(text)):
        line = raw[:_LONGEST_LINE]
        # iCloud and others may group properties: item1.ATTENDEE.
        name = _NAME.match(line)
        if name and line[name.end() : name.end() + 1] == ".":
            line = line[name.end() + 1 :]
            name = _NAME.match(line)
        if name is None:
            continue
        at, parameters = name.end(), dict[str, str]()
        while found := _PARAMETER.match(line, at):
            parameters.setdefault(found[1].upper(), found[2].strip('"'))
            at = found.end()
        if line[at : at + 1] == ":":
            yield Line(name[0].upper(), parameters, line[at + 1 :])


def _entries(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines of each VEVENT, without those of what is inside it."""
    found: list[list[Line]] = []
    inside: list[str] = []
    for line in lines:
        word = line.value.strip().upper() if line.name in ("BEGIN", "END") else ""
        if line.name == "BEGIN":
            inside = [*inside[-20:], word]
            if word == "VEVENT":
                found.append([])
        elif line.name == "END":
            if inside and inside[-1] == word:
                inside.pop()
        elif inside and inside[-1] == "VEVENT":
            found[-1].append(line)
    return found


def _moment(text: str) -> datetime | None:
    found = _STAMP.fullmatch(text.strip())
    try:
        return datetime(*map(int, found.groups()), tzinfo=UTC) if found else None  # type: ignore[arg-type, misc]  # six numbers
    except ValueError:
        return None


def _proposed(text: str) -> tuple[str, str] | None:
    """The times that a COUNTER asks for, None where they cannot be read."""
    from tui.invitation.foreign import read_entry  # icalendar knows the names of zones

    entry = read_entry(text) if len(text) <= 100_000 else None
    if entry is None:
        return None
    if entry.all_day:
        return entry.start.date().isoformat(), entry.end.date().isoformat()
    return entry.start.isoformat(), entry.end.isoformat()

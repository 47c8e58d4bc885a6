"""The calendar object: REQUEST or CANCEL, one session, exactly one ATTENDEE (RFC 5545, 5546, 6047).

Times are in UTC and days are days. A series is in its own zone, which goes with it: its time on the clock stays.

icalendar writes what is the same for everybody, once per run; a message is those lines with its own few in their place.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache, partial

from icalendar import Calendar, vCalAddress, vRecur
from icalendar import Event as VEvent

from tui.clean import body_text, one_line
from tui.dates import UTC_NAMES
from tui.event import Event
from tui.invitation.zones import vtimezone

_SLOTS = ("UID", "DTSTAMP", "SEQUENCE", "DESCRIPTION", "ATTENDEE")
_METHODS: Mapping[str, str] = {"invite": "REQUEST", "update": "REQUEST", "cancel": "CANCEL"}


def method(action: str) -> str:
    """The iTIP method that carries this action (RFC 5546 §1.4)."""
    return _METHODS[action]


class CalendarSkeleton:
    """Every calendar object of one run and one action."""

    def __init__(self, event: Event, action: str) -> None:
        """IrregularZone where the event is a series in a zone that calendar programs cannot be told of."""
        # Most have the event's own link.
        self._described = lru_cache(maxsize=16)(partial(_described, body_text(event.description)))
        texts = _texts(event)
        self._pieces: list[bytes | str] = []  # lines that are the same for all, or the name of a slot
        for line in _written_by_icalendar(event, action):
            name = line.partition(b":")[0].decode()
            piece = name if name in _SLOTS else texts.get(name, line)
            if isinstance(piece, bytes) and self._pieces and isinstance(self._pieces[-1], bytes):
                self._pieces[-1] += piece
            else:
                self._pieces.append(piece)

    def fill(self, uid: str, sequence: int, stamp: datetime, name: str, address: str, join_url: str) -> bytes:
        """The object for one attendee, CRLF line ends, folded at 75 octets (RFC 5545 §3.1)."""
        slots = {
            "UID": fold(f"UID:{uid}"),
            "DTSTAMP": _stamped(stamp),
            "SEQUENCE": b"SEQUENCE:%d\r\n" % sequence,
            "DESCRIPTION": self._described(join_url),
            "ATTENDEE": fold(
                "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
                f"{_common_name(name)}:mailto:{address}"
            ),
        }
        return b"".join([slots[piece] if isinstance(piece, str) else piece for piece in self._pieces])


@lru_cache(maxsize=16)
def _stamped(stamp: datetime) -> bytes:
    """The moment of a run is in all its messages."""
    return f"DTSTAMP:{stamp.astimezone(UTC):%Y%m%dT%H%M%SZ}\r\n".encode()


def _described(description: str, join_url: str) -> bytes:
    text = "\n\n".join(part for part in (description, join_url) if part)
    return fold(f"DESCRIPTION:{escape_text(text)}") if text else b""


def escape_text(text: str) -> str:
    """A TEXT value (RFC 5545 §3.3.11)."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold(line: str) -> bytes:
    """One content line in octets, folded so that no line is longer than 75 and no character is cut in two."""
    octets = line.encode("utf-8")
    if len(octets) <= 75:
        return octets + b"\r\n"
    out, begin, room = [], 0, 75
    while len(octets) - begin > room:
        end = begin + room
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        out.append(octets[begin:end])
        begin, room = end, 74
    out.append(octets[begin:])
    return b"\r\n ".join(out) + b"\r\n"


def _common_name(name: str) -> str:
    # RFC 6868 escapes a double quote as ^', which not every client undoes: an apostrophe says the same. A backslash has
    # no meaning here (RFC 5545 §3.2), but some readers give it one, and lose the attendee after one at the end.
    safe = one_line(name).replace('"', "'").replace("^", "^^").replace("\\", "/")
    return f';CN="{safe}"' if safe else ""


def _texts(event: Event) -> Mapping[str, bytes]:
    """The lines that hold the event's own words. icalendar would read the \\N of C:\\New as a line break."""
    organizer = f"ORGANIZER{_common_name(event.organizer.name)}:mailto:{event.organizer.email}"
    return {
        "SUMMARY": fold(f"SUMMARY:{escape_text(one_line(event.title))}"),
        "LOCATION": fold(f"LOCATION:{escape_text(one_line(event.location))}"),
        "ORGANIZER": fold(organizer),
    }


def _written_by_icalendar(event: Event, action: str) -> list[bytes]:
    """The object with something short for every text and in each slot, as unfolded units that end in CRLF."""
    calendar, entry = Calendar(), VEvent()
    calendar.add("prodid", "-//invite-tui//invite-tui//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method(action))
    entry.add("uid", "slot")
    entry.add("dtstamp", datetime(2000, 1, 1, tzinfo=UTC))
    entry.add("sequence", 0)
    entry.add("dtstart", _point(event, event.start))
    entry.add("dtend", _point(event, event.end))
    if event.rule:
        entry.add("rrule", vRecur.from_ical(str(event.rule)))
    entry.add("summary", "slot")
    if event.location:
        entry.add("location", "slot")
    entry.add("description", "slot")
    entry.add("status", "CANCELLED" if action == "cancel" else "CONFIRMED")
    entry.add("transp", "TRANSPARENT" if action == "cancel" else "OPAQUE")
    entry.add("organizer", vCalAddress("mailto:slot"))
    entry.add("attendee", vCalAddress("mailto:slot"))
    calendar.add_component(entry)
    units = [unit + b"\r\n" for unit in re.split(rb"\r\n(?! )", calendar.to_ical()) if unit]
    at = units.index(b"BEGIN:VEVENT\r\n")
    return [*units[:at], *_zone(event), *units[at:]]


def _point(event: Event, moment: datetime) -> date:
    """A day (DTEND is then the day after the last, RFC 5545 §3.6.1), a time on a series' own clock, or one in UTC."""
    if event.all_day:
        return moment.date()
    return moment if _has_zone(event) else moment.astimezone(UTC)


def _has_zone(event: Event) -> bool:
    return event.rule is not None and not event.all_day and event.timezone not in UTC_NAMES


def _zone(event: Event) -> list[bytes]:
    """Our own: what icalendar makes of a zone is an hour wrong on some days in ical.js and vobject, and in Outlook."""
    if event.rule is None or not _has_zone(event):
        return []
    last = event.rule.last_start(event.start)
    length = event.end - event.start
    return [fold(line) for line in vtimezone(event.timezone, event.start.date(), last and (last + length).date())]

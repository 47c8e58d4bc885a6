"""The calendar object: REQUEST or CANCEL, one session in UTC, exactly one ATTENDEE (RFC 5545, 5546, 6047).

icalendar writes what is the same for everybody, once per run; a message is those lines with its own few in their place.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from icalendar import Calendar, vCalAddress, vText
from icalendar import Event as VEvent

from tui.clean import body_text, one_line
from tui.event import Event

_SLOTS = ("UID", "DTSTAMP", "SEQUENCE", "DESCRIPTION", "ATTENDEE")
_METHODS: Mapping[str, str] = {"invite": "REQUEST", "update": "REQUEST", "cancel": "CANCEL"}


def method(action: str) -> str:
    """The iTIP method that carries this action (RFC 5546 §1.4)."""
    return _METHODS[action]


class CalendarSkeleton:
    """Every calendar object of one run and one action."""

    def __init__(self, event: Event, action: str) -> None:
        self._description = body_text(event.description)
        self._pieces: list[bytes | str] = []  # a line that is the same for all, or the name of a slot
        for line in _written_by_icalendar(event, action):
            name = line.partition(b":")[0].decode()
            self._pieces.append(name if name in _SLOTS else line)

    def fill(self, uid: str, sequence: int, stamp: datetime, name: str, address: str, join_url: str) -> bytes:
        """The object for one attendee, CRLF line ends, folded at 75 octets (RFC 5545 §3.1)."""
        description = "\n\n".join(part for part in (self._description, join_url) if part)
        slots = {
            "UID": fold(f"UID:{uid}"),
            "DTSTAMP": f"DTSTAMP:{stamp.astimezone(UTC):%Y%m%dT%H%M%SZ}\r\n".encode(),
            "SEQUENCE": f"SEQUENCE:{sequence}\r\n".encode(),
            "DESCRIPTION": fold(f"DESCRIPTION:{escape_text(description)}") if description else b"",
            "ATTENDEE": fold(
                "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
                f"{_common_name(name)}:mailto:{address}"
            ),
        }
        return b"".join(slots[piece] if isinstance(piece, str) else piece for piece in self._pieces)


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
    # RFC 6868 escapes a double quote as ^', which not every client undoes: an apostrophe says the same.
    safe = one_line(name).replace('"', "'").replace("^", "^^")
    return f';CN="{safe}"' if safe else ""


def _written_by_icalendar(event: Event, action: str) -> list[bytes]:
    """The object with something short in each slot, as unfolded units that end in CRLF."""
    calendar, entry = Calendar(), VEvent()
    calendar.add("prodid", "-//invite-tui//invite-tui//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method(action))
    entry.add("uid", "slot")
    entry.add("dtstamp", datetime(2000, 1, 1, tzinfo=UTC))
    entry.add("sequence", 0)
    entry.add("dtstart", event.start.astimezone(UTC))
    entry.add("dtend", event.end.astimezone(UTC))
    entry.add("summary", one_line(event.title))
    if event.location:
        entry.add("location", one_line(event.location))
    entry.add("description", "slot")
    entry.add("status", "CANCELLED" if action == "cancel" else "CONFIRMED")
    entry.add("transp", "TRANSPARENT" if action == "cancel" else "OPAQUE")
    organizer = vCalAddress(f"mailto:{event.organizer.email}")
    organizer.params["CN"] = vText(one_line(event.organizer.name).replace('"', "'"))
    entry.add("organizer", organizer)
    entry.add("attendee", vCalAddress("mailto:slot"))
    calendar.add_component(entry)
    return [unit + b"\r\n" for unit in re.split(rb"\r\n(?! )", calendar.to_ical()) if unit]

"""A calendar entry that another program sent: what it says, so that it can be taken back and replaced."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tui.clean import one_line
from tui.recurrence import RuleError, parse

_LINK = re.compile(r"https?://[^\s<>\"'\\]+", re.IGNORECASE)
_MEETING = re.compile(
    r"https?://(?:[\w-]+\.)*(?:teams\.(?:microsoft|live)\.com/l/meetup-join|teams\.microsoft\.com/meet|zoom\.us/[jw]"
    r"|zoomgov\.com/[jw]|meet\.google\.com|webex\.com|gotomeeting\.com|goto\.com|whereby\.com|meet\.jit\.si)/?[^\s<>\"'\\]*",
    re.IGNORECASE,
)
_LINK_PROPERTIES = ("X-MICROSOFT-SKYPETEAMSMEETINGURL", "X-GOOGLE-CONFERENCE", "CONFERENCE", "URL")
# Who keeps the meeting, and has to be told there that it is cancelled. A UID of Outlook's begins with this identifier.
_OWNERS = (
    (re.compile(r"^040000008200E00074C5B7101A82E008", re.IGNORECASE), "Microsoft Exchange or Outlook"),
    (re.compile(r"@google\.com$", re.IGNORECASE), "Google Calendar"),
)
_ROLES = {"REQ-PARTICIPANT": "required", "OPT-PARTICIPANT": "optional"}
_PROGRAMS = (("microsoft exchange", "Microsoft Exchange or Outlook"), ("google", "Google Calendar"), ("zoom", "Zoom"))


@dataclass(frozen=True, slots=True)
class Guest:
    """One ATTENDEE: `role` is "required" or "optional", "" where the entry does not say."""

    address: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One calendar entry. `start` and `end` are in `timezone` (IANA), at midnight where it takes whole days, the end of
    which is the day after the last. `rule` is its RRULE where we can make one of it, "" else; `keeper` the system that
    keeps the meeting, in words, "" where that is not known."""

    uid: str
    sequence: int
    title: str
    start: datetime
    end: datetime
    timezone: str
    all_day: bool
    rule: str
    location: str
    description: str
    links: tuple[str, ...]
    organizer: Guest
    guests: tuple[Guest, ...]
    keeper: str


def read_entry(text: str) -> Entry | None:
    """The first entry in a calendar object, None where there is none that says what and when it is."""
    import icalendar

    try:
        calendars = icalendar.Calendar.from_ical(text, multiple=True)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    for calendar in calendars:
        for component in calendar.walk("VEVENT"):
            if component.get("RECURRENCE-ID") is None and (entry := _entry(component, str(calendar.get("PRODID", "")))):
                return entry
    return None


def meeting_links(text: str) -> Iterator[str]:
    """The links in a text that join an online meeting."""
    return (found[0].rstrip(".,;:!?)>]") for found in _MEETING.finditer(text))


def _entry(component, program: str) -> Entry | None:  # type: ignore[no-untyped-def]  # icalendar's components
    uid = one_line(str(component.get("UID", "")))
    try:
        start = component.decoded("DTSTART")
        end = component.decoded("DTEND", None) or start + component.decoded("DURATION", _one(start))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    if not uid or not isinstance(start, date) or not isinstance(end, date):
        return None
    all_day = not isinstance(start, datetime)
    zone = _zone(str(component["DTSTART"].params.get("TZID", "")), start)
    begin, stop = (_moment(at, zone) for at in (start, end))
    if stop <= begin:
        return None
    said = [str(component.get(name, "")) for name in (*_LINK_PROPERTIES, "LOCATION", "DESCRIPTION")]
    own = [found[0] for text in said[: len(_LINK_PROPERTIES)] for found in _LINK.finditer(text)]
    links = dict.fromkeys([*own, *(link for text in said for link in meeting_links(text))])
    return Entry(
        uid=uid,
        sequence=_number(component.get("SEQUENCE", 0)),
        title=one_line(str(component.get("SUMMARY", ""))),
        start=begin,
        end=stop,
        timezone=zone.key,
        all_day=all_day,
        rule=_rule(component, begin, all_day),
        location=one_line(str(component.get("LOCATION", ""))),
        description=str(component.get("DESCRIPTION", "")),
        links=tuple(links),
        organizer=_guest(component.get("ORGANIZER", "")),
        guests=tuple(_guests(component.get("ATTENDEE", []))),
        keeper=_keeper(uid, program),
    )


def _one(start: date) -> timedelta:
    """How long an entry is that does not say (RFC 5545 §3.6.1)."""
    return timedelta(hours=1) if isinstance(start, datetime) else timedelta(days=1)


def _zone(name: str, start: date) -> ZoneInfo:
    """The zone that an entry names, by its own name or by Windows' for it; UTC where its clocks are not that zone's."""
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    try:
        zone = ZoneInfo(WINDOWS_TO_OLSON.get(name, name) or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
    if isinstance(start, datetime) and start.tzinfo and start.astimezone(zone).utcoffset() != start.utcoffset():
        return ZoneInfo("UTC")
    return zone


def _moment(at: date, zone: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        return datetime.combine(at, time(), zone)
    return at.astimezone(zone) if at.tzinfo else at.replace(tzinfo=zone)


def _rule(component, start: datetime, all_day: bool) -> str:  # type: ignore[no-untyped-def]  # likewise
    rule = component.get("RRULE")
    if rule is None:
        return ""
    try:
        text = rule.to_ical().decode()
        parse(text, start, all_day)
    except (RuleError, ValueError, AttributeError):
        return ""
    return str(text)


def _number(value: object) -> int:
    try:
        return min(max(int(str(value)), 0), 2**31 - 2)
    except ValueError:
        return 0


def _guests(found: object) -> Iterator[Guest]:
    for one in found if isinstance(found, list) else [found]:
        guest = _guest(one)
        if guest.address:
            yield guest


def _guest(value: object) -> Guest:
    parameters = getattr(value, "params", {})
    text = re.sub(r"^mailto:", "", str(value), flags=re.IGNORECASE)
    if "@" not in text:
        text = str(parameters.get("EMAIL", ""))
    role = {"REQ-PARTICIPANT": "required", "OPT-PARTICIPANT": "optional"}.get(
        str(parameters.get("ROLE", "")).upper(), ""
    )
    return Guest(one_line(text), one_line(str(parameters.get("CN", ""))), role)


def _keeper(uid: str, program: str) -> str:
    for pattern, words in _OWNERS:
        if pattern.search(uid):
            return words
    return next((words for name, words in _PROGRAMS if name in program.casefold()), "")

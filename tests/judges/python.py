"""Judges in Python: the standard library's email, vobject, and icalendar's parser."""

from base64 import b64encode
from collections.abc import Mapping
from email import message_from_string, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from itertools import islice

import icalendar
import vobject

from tests.judges.reading import MOST_OCCURRENCES, Entry, Mail, Person, Reading, moment


def read(raw: bytes) -> Mapping[str, Reading]:
    """One message, read by each."""
    calendar = calendar_of(raw)
    return {"email": read_mail(raw), "vobject": read_vobject(calendar), "icalendar": read_icalendar(calendar)}


def calendar_of(raw: bytes) -> str:
    """The calendar part, as the standard library takes it out."""
    [part] = [part for part in _parsed(raw).walk() if part.get_content_type() == "text/calendar"]
    return str(part.get_content())


def read_mail(raw: bytes) -> Mail:
    """The standard library's reading, with every defect that it notes in any part or header."""
    message = _parsed(raw)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    bodies = {
        kind: [leaf for leaf in leaves if leaf.get_content_type() == kind] for kind in ("text/plain", "text/html")
    }
    [text], [html] = bodies["text/plain"], bodies["text/html"]
    [calendar] = [leaf for leaf in leaves if leaf.get_content_type() == "text/calendar"]
    return Mail(
        sender=_people(message, raw, "From")[0],
        to=_people(message, raw, "To"),
        subject=str(message["Subject"]),
        message_id=str(message["Message-ID"]),
        text=_lines(text.get_content()),
        html=_lines(html.get_content()),
        parts=tuple(_part(leaf) for leaf in leaves if leaf not in (text, html)),
        method=calendar["Content-Type"].params.get("method"),
        faults=_faults(message),
    )


def read_vobject(calendar: str) -> Entry:
    """vobject's reading. It does not undo RFC 6868."""
    read = vobject.readOne(calendar)
    [entry] = read.vevent_list
    rules = entry.getrruleset(addRDate=True)
    starts = [entry.dtstart.value] if rules is None else list(islice(rules, MOST_OCCURRENCES))
    if not hasattr(entry.dtstart.value, "hour"):
        starts = [start.date() if hasattr(start, "hour") else start for start in starts]

    def text(name: str) -> str:
        return str(entry.contents[name][0].value) if name in entry.contents else ""

    def people(name: str) -> tuple[Person, ...]:
        return tuple(
            (one.params.get("CN", [""])[0], one.value.removeprefix("mailto:")) for one in entry.contents.get(name, [])
        )

    return Entry(
        entries=len(read.vevent_list),
        method=read.method.value,
        uid=text("uid"),
        sequence=int(text("sequence")),
        stamp=moment(entry.dtstamp.value),
        summary=text("summary"),
        location=text("location"),
        description=text("description"),
        status=text("status"),
        start=moment(entry.dtstart.value),
        end=moment(entry.dtend.value),
        organizers=people("organizer"),
        attendees=people("attendee"),
        occurrences=tuple(moment(start) for start in starts),
    )


def read_icalendar(calendar: str) -> Entry:
    """icalendar's reading, and whatever it could not parse. It says nothing about when a recurring event happens."""
    read = icalendar.Calendar.from_ical(calendar)
    assert isinstance(read, icalendar.Calendar)
    entry = read.events[0]

    def people(name: str) -> tuple[Person, ...]:
        found = entry.get(name, [])
        return tuple((str(one.name), one.email) for one in (found if isinstance(found, list) else [found]))

    return Entry(
        entries=len(read.events),
        method=str(read["METHOD"]),
        uid=str(entry["UID"]),
        sequence=entry.sequence,
        stamp=moment(entry.decoded("DTSTAMP")),
        summary=str(entry["SUMMARY"]),
        location=str(entry.get("LOCATION", "")),
        description=str(entry.get("DESCRIPTION", "")),
        status=str(entry["STATUS"]),
        start=moment(entry.decoded("DTSTART")),
        end=moment(entry.decoded("DTEND")),
        organizers=people("ORGANIZER"),
        attendees=people("ATTENDEE"),
        faults=tuple(f"{name}: {why}" for part in (read, entry) for name, why in part.errors),
    )


def _parsed(raw: bytes) -> EmailMessage:
    # As UTF-8, because a local part beyond ASCII stands in the header as it is (RFC 6532); the rest is ASCII.
    message = message_from_string(raw.decode("utf-8"), policy=policy.SMTPUTF8)
    assert isinstance(message, EmailMessage)
    return message


def _people(message: EmailMessage, raw: bytes, header: str) -> tuple[Person, ...]:
    # The addresses are those of the new parser, the names those of the old one: the new one puts a space between two
    # encoded words of one name.
    [parsed] = message.get_all(header, [])
    old = message_from_string(raw.decode("utf-8"), policy=policy.compat32)
    names = [str(make_header(decode_header(name))) for name, _ in getaddresses(old.get_all(header, []))]
    return tuple((name, one.addr_spec) for name, one in zip(names, parsed.addresses, strict=True))


def _part(part: EmailMessage) -> tuple[str, str, str]:
    kind, name = part.get_content_type(), part.get_filename() or ""
    if part.get_content_maintype() == "text":
        return kind, name, _lines(part.get_content())
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    if kind == "application/ics":
        return kind, name, _lines(content.decode())
    return kind, name, b64encode(content).decode()


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _faults(message: EmailMessage) -> tuple[str, ...]:
    found = []
    for part in message.walk():
        found += [f"{part.get_content_type()}: {defect!r}" for defect in part.defects]
        found += [f"{name}: {defect!r}" for name, value in part.items() for defect in value.defects]
    return tuple(found)

"""`repair`: an event folder out of a message by which another program gave people away.

The folder knows everybody whom the message exposed, the calendar entry that it left with them, and that a replacement
is owed to each. What it says of what happened is what can be read in the message, and no more.
"""

import csv
import hashlib
import io
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path
from string import Template

from tui import audit, data, files
from tui.address import AddressError, key_of, parse
from tui.audit.reading import Mail, Part
from tui.audit.stores import Found
from tui.clean import one_line, spreadsheet_cell
from tui.errors import InputError
from tui.folder import open_folder
from tui.invitation.foreign import Entry, Guest, meeting_links, read_entry
from tui.ledger import Planned
from tui.plan import facts_of

_SEEN = ("to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc", "apparently-to")
_CLOCK = timedelta(hours=72)


@dataclass(slots=True)
class Exposed:
    """One person whom the message exposed. `places` are where, in its order; `role` what the entry said of them."""

    address: str
    name: str = ""
    role: str = ""
    places: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Accident:
    """What happened, as the message shows it. `attached` are the files that everybody was sent beside the entry."""

    subject: str
    sent: datetime | None
    sender: Guest
    people: tuple[Exposed, ...]
    entry: Entry | None
    links: tuple[str, ...]
    attached: tuple[str, ...]

    @property
    def organizer(self) -> Guest:
        return self.entry.organizer if self.entry and self.entry.organizer.address else self.sender

    @property
    def title(self) -> str:
        return (self.entry.title if self.entry else "") or self.subject or "the event"


@dataclass(frozen=True, slots=True)
class Repaired:
    """The folder that was made: its files, what happened, and how many can be sent a cancellation of the old entry."""

    folder: Path
    files: tuple[str, ...]
    accident: Accident
    to_cancel: int


def repair(message: str, folder: Path) -> Repaired:
    """Makes an event folder out of a mis-sent message.

    InputError where the message exposed nobody, cannot be read, or the folder holds an event already.
    """
    found = list(audit.messages([message]))
    if len(found) != 1 or not isinstance(found[0], Found):
        raise InputError(
            f"{message} is not one message.", hint="Save the message by itself, as .eml or .msg.", code="unreadable"
        )
    accident = read_accident(found[0].mail)
    if not accident.people:
        raise InputError(
            f"{message} exposed nobody: it names its one recipient at most.",
            hint="`invite-tui audit` says what can be seen in a message.",
            code="nobody-exposed",
        )
    if folder.is_file() or (folder / "event.toml").exists():
        raise InputError(f"{folder} is there already.", hint="Name a new folder.", code="exists")
    return _Workshop(accident, folder).make()


def read_accident(mail: Mail) -> Accident:
    """What one message shows of an accident; without people where it exposed nobody."""
    entry = next((entry for text in _calendars(mail.parts) if (entry := read_entry(text))), None)
    sender = next(iter(_named(mail, ("from", "sender"))), Guest("", "", ""))
    people: dict[str, Exposed] = {}
    for header in _SEEN:
        for guest in _named(mail, (header,)):
            _note(people, guest, header.title())
    for guest in entry.guests if entry else ():
        _note(people, guest, "the calendar entry")
    for leak in audit.judge(mail).leaks:  # in mails and entries inside of it
        if "@" in leak.what and key_of(leak.what) not in people:
            _note(people, Guest(leak.what, "", ""), leak.where)
    ours = {key_of(sender.address), key_of(entry.organizer.address) if entry else ""}
    recipients = {key_of(guest.address) for guest in _named(mail, _SEEN)} - ours
    # Whoever got it alone was shown to nobody.
    alone = recipients if len(recipients) == 1 else set()
    exposed = tuple(person for key, person in people.items() if key not in ours | alone)
    texts = [part.text() for part in mail.parts if part.where in ("text", "html")]
    links = dict.fromkeys([*(entry.links if entry else ()), *(link for text in texts for link in meeting_links(text))])
    return Accident(
        subject=one_line(mail.first("subject")),
        sent=_moment(mail.first("date")),
        sender=sender,
        people=exposed,
        entry=entry,
        links=tuple(links),
        attached=tuple(dict.fromkeys(one_line(part.names[0]) for part in mail.parts if part.is_file and part.names)),
    )


def _calendars(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        if part.inner:
            yield from _calendars(part.inner.parts)
        elif part.kind in ("text/calendar", "application/ics") or b"BEGIN:VCALENDAR" in part.content[:2048]:
            yield part.text()


def _named(mail: Mail, headers: Sequence[str]) -> Iterator[Guest]:
    values = [header.value for name in headers for header in mail.all(name)]
    for name, address in getaddresses(values):
        if "@" in address:
            yield Guest(one_line(address), one_line(name), "")


def _note(people: dict[str, Exposed], guest: Guest, where: str) -> None:
    try:
        wire = parse(guest.address).wire
    except AddressError:
        wire = guest.address
    person = people.setdefault(key_of(wire), Exposed(wire))
    person.name = person.name or (guest.name if key_of(guest.name) != key_of(wire) else "")
    person.role = person.role or guest.role
    if where not in person.places:
        person.places.append(where)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _table(rows: Iterable[Sequence[str]]) -> bytes:
    """As CSV that spreadsheets take for UTF-8."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([spreadsheet_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


class _Workshop:
    """Writes the folder of one accident."""

    def __init__(self, accident: Accident, folder: Path) -> None:
        self._accident, self._folder = accident, folder

    def make(self) -> Repaired:
        said = {"happened": self._happened(), "shown": self._shown(), "old": self._old()}
        texts = {
            "event.toml": _filled("event.toml", self._event()),
            "templates/correction.md": _filled("correction.md", said),
            "templates/cancellation.md": _filled("cancellation.md", said),
            "breach-record.md": _filled(
                "breach-record.md", {name: _safe(text) for name, text in self._record().items()}
            ),
        }
        tables = {"attendees.csv": self._attendees(), "breach-record.csv": self._exposures()}
        try:
            with files.making(self._folder) as put:
                for name, text in texts.items():
                    put(name, text.encode())
                for name, rows in tables.items():
                    put(name, _table(rows))
        except OSError as error:
            raise InputError(
                f"{self._folder} cannot be made: {error.strerror}.", hint="Name a new folder.", code="unwritable"
            ) from None
        return Repaired(self._folder, (*texts, *tables), self._accident, self._remember())

    def _attendees(self) -> Iterator[Sequence[str]]:
        yield ("Name", "Email")
        for person in self._accident.people:
            yield (person.name, person.address)

    def _exposures(self) -> Iterator[Sequence[str]]:
        yield ("Name", "Email", "Shown in", "Shown as", "Shown to")
        count = len(self._accident.people)
        for person in self._accident.people:
            yield (person.name, person.address, ", ".join(person.places), person.role, f"{count} people")

    def _remember(self) -> int:
        """Puts everybody's old entry into the ledger, and that a replacement is owed; returns how many hold one."""
        folder = open_folder([str(self._folder / "attendees.csv")], event=str(self._folder / "event.toml"))
        accident, entry, event = self._accident, self._accident.entry, folder.event
        rows = folder.attendees.records
        entries: list[Planned] = []
        if entry and event:
            stamp = (accident.sent or datetime.now(UTC)).astimezone(UTC)
            digest = hashlib.sha256(entry.uid.encode("utf-8", "replace")).hexdigest()
            more = {"foreign": "1", "organizer": accident.organizer.address}
            more |= {"join_url": accident.links[0]} if accident.links else {}
            for row in rows:
                who = (row.key, row.address, row.name, row.group, row.line, row.fields)
                version = ("invite", entry.uid, entry.sequence, 0, 0, {**facts_of(event, row), **more})
                entries.append(Planned(*who, *version, "", stamp, digest))
        when = f" on {_minute(accident.sent)}" if accident.sent else ""
        folder.adopt(entries, f"sent by another program{when}", [row.key for row in rows], accident.links)
        return len(entries)

    def _event(self) -> Mapping[str, str]:
        entry, owner = self._accident.entry, self._accident.organizer
        lines = [
            "# The message had no calendar entry: fill these in.",
            "# start    = 2030-01-31T14:00:00",
            "# end      = 2030-01-31T15:30:00",
            '# timezone = "Europe/London"',
        ]
        if entry:
            pattern = "%Y-%m-%d" if entry.all_day else "%Y-%m-%dT%H:%M:%S"
            last = entry.end - timedelta(days=1) if entry.all_day else entry.end
            lines = [f"start    = {entry.start:{pattern}}", f"end      = {last:{pattern}}"]
            lines += [f"timezone = {_text(entry.timezone)}"]
            lines += [f"rrule    = {_text(entry.rule)}"] * bool(entry.rule)
            lines += [f"location = {_text(entry.location)}"] * bool(entry.location and "://" not in entry.location)
        return {
            "title": _text(self._accident.title),
            "times": "\n".join(lines),
            "uid": secrets.token_hex(16),
            "name": _text(owner.name or owner.address),
            "email": _text(owner.address),
        }

    def _happened(self) -> str:
        accident = self._accident
        when = f"On {_day(accident.sent)} we" if accident.sent else "We"
        subject = f" “{_plain(accident.subject)}”" if accident.subject else ""
        return f"{when} sent the message{subject} to {len(accident.people)} people at once, of whom you are one."

    def _shown(self) -> str:
        people, accident = self._accident.people, self._accident
        places = _and(dict.fromkeys(_PLACES.get(place, place) for person in people for place in person.places))
        names = "names and e-mail addresses" if any(person.name for person in people) else "e-mail addresses"
        shown = f"Everybody who got it could see the {names} of all {len(people)} in {places}"
        if any(person.role for person in people):
            shown += ", and who of them was required and who optional"
        if accident.attached:
            shown += f". These files were attached for everybody: {_and(map(_plain, accident.attached))}"
        return f"{shown}."

    def _old(self) -> str:
        if self._accident.entry:
            return "The old entry is cancelled, and its link is not to be used any more."
        return "The old message and its link are not to be used any more."

    def _record(self) -> Mapping[str, str]:
        accident, entry, sent = self._accident, self._accident.entry, self._accident.sent
        keeper = "If an online meeting belongs to it, close that where it was made: nothing sent from here can"
        if entry and entry.keeper:
            keeper = (
                f"It is kept by {entry.keeper}: cancel the meeting there as well. What is sent from here takes the "
            )
            keeper += "entry out of calendars; it cannot close the meeting or its link"
        clock = "The message has no date."
        if sent:
            clock = f"The message is dated {_minute(sent)}. Had it been noticed at once, they would end at "
            clock += f"{_minute(sent + _CLOCK)}."
        return {
            "message": f"“{accident.subject}” from {accident.sender.name} ({accident.sender.address})",
            "sent": _minute(sent) if sent else "not known",
            "count": str(len(accident.people)),
            "shown": self._shown(),
            "entry": f"“{entry.title}”, {entry.start:%Y-%m-%d %H:%M} ({entry.timezone})" if entry else "none",
            "keeper": keeper,
            "links": ", ".join(accident.links) or "none",
            "clock": clock,
        }


def _filled(name: str, values: Mapping[str, str]) -> str:
    """A text of the folder, with what is known of the accident filled in."""
    text = (data.templates() / "repair" / name).read_text(encoding="utf-8")
    return Template(text).substitute(values)


_PLACES = {"To": "the To field", "Cc": "the Cc field", "Bcc": "the Bcc field"}


def _text(value: str) -> str:
    """A TOML string."""
    escaped = one_line(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(text: str) -> str:
    """Text from outside, for a wording: neither Markdown nor a placeholder, whatever is in it."""
    kept = "".join(char if char.isalnum() or char in " .,:;?!'()/&+-" else " " for char in one_line(text))
    return " ".join(kept.split())[:200]


def _safe(text: str) -> str:
    """Text from outside, for a page of Markdown in which it makes no link, no image and no HTML."""
    return re.sub(r"([\\`*_\[\]<>!#|~])", r"\\\1", text)


def _day(moment: datetime) -> str:
    return f"{moment:%A} {moment.day} {moment:%B %Y} at {moment:%H:%M}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} (UTC{moment:%z})"


def _and(words: Iterable[str]) -> str:
    *most, last = list(words)
    return f"{', '.join(most)} and {last}" if most else last

"""Everybody's calendars, as RFC 5546 has a calendar program keep them: what arrives is applied, and nothing else.

Two programs live at every address. One remembers what was cancelled; the other forgets it, so that a version which
comes late would be an entry again. Both must show the same in the end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy

from tui.address import key_of


@dataclass(frozen=True, slots=True)
class Item:
    """One calendar object as it arrived. `start` is DTSTART as it stands, which in ours is in UTC."""

    method: str
    uid: str
    sequence: int
    stamp: datetime
    organizer: str
    attendees: tuple[str, ...]
    title: str = ""
    location: str = ""
    start: str = ""
    description: str = ""

    @property
    def version(self) -> tuple[int, datetime]:
        """What is newer (RFC 5546 §2.1.5): the higher SEQUENCE, of two equal ones the later DTSTAMP."""
        return self.sequence, self.stamp


@dataclass
class Calendar:
    """One program at one address. `entries` are by UID; a cancelled one stays there while the program remembers it."""

    address: str
    remembers: bool
    entries: dict[str, Item] = field(default_factory=dict)

    def receive(self, item: Item) -> None:
        """Applies one object. AssertionError for one that no program would accept from a well-behaved organizer."""
        assert item.method in ("REQUEST", "CANCEL"), item.method
        assert self.address in {key_of(guest) for guest in item.attendees}, f"{self.address} is not invited by it"
        held = self.entries.get(item.uid)
        if held and key_of(held.organizer) != key_of(item.organizer):
            return  # nobody but the organizer changes an entry (§2.1.1)
        if held and item.version < held.version:
            return  # it was overtaken
        if item.method == "CANCEL":
            if held and held.method == "REQUEST":
                assert item.sequence > held.sequence, "a cancellation has a higher SEQUENCE (§3.2.5)"
            if not self.remembers:
                self.entries.pop(item.uid, None)
                return
        self.entries[item.uid] = item

    @property
    def shown(self) -> Mapping[str, Item]:
        return {uid: item for uid, item in self.entries.items() if item.method == "REQUEST"}


class Calendars:
    """Everybody's, made when the first mail comes."""

    def __init__(self) -> None:
        self._by_address: dict[str, tuple[Calendar, Calendar]] = {}
        self.texts: set[str] = set()

    def receive(self, address: str, item: Item, text: str = "") -> None:
        key = key_of(address)
        if key not in self._by_address:
            self._by_address[key] = (Calendar(key, remembers=True), Calendar(key, remembers=False))
        for calendar in self._by_address[key]:
            calendar.receive(item)
        if text:
            self.texts.add(text)

    def receive_mail(self, address: str, raw: bytes) -> Item:
        """What a mail has for the calendar, applied; it must hold exactly one object."""
        text = text_of(raw)
        item = read(text)
        self.receive(address, item, text)
        return item

    def shown(self, address: str) -> Mapping[str, Item]:
        """What is in somebody's calendar, by UID. AssertionError where it depends on the program."""
        pair = self._by_address.get(key_of(address))
        if pair is None:
            return {}
        one, other = (calendar.shown for calendar in pair)
        assert one == other, f"{address}: a program that forgets what was cancelled shows something else"
        return one

    def everybody(self) -> Iterator[tuple[str, Item]]:
        """Every entry that anybody sees, with the address."""
        for address in self._by_address:
            for item in self.shown(address).values():
                yield address, item


def text_of(raw: bytes) -> str:
    """The calendar object of a mail: the part, not the file that says the same."""
    for part in message_from_bytes(raw, policy=policy.default).walk():
        if part.get_content_type() == "text/calendar" and not part.is_attachment():
            content = part.get_content()
            text = content if isinstance(content, str) else content.decode("utf-8")
            return str(text).replace("\r\n", "\n").replace("\n", "\r\n")
    raise AssertionError("the mail has nothing for a calendar")


def read(text: str) -> Item:
    """A calendar object with one VEVENT, read by nothing but RFC 5545 §3.1: unfolded lines, names, values."""
    lines = text.replace("\r\n ", "").replace("\r\n\t", "").split("\r\n")
    assert lines.count("BEGIN:VEVENT") == 1
    begin, end = lines.index("BEGIN:VEVENT"), lines.index("END:VEVENT")
    found: dict[str, list[str]] = {}
    # A VTIMEZONE has times of its own.
    for line in (*(line for line in lines[:begin] if line.startswith("METHOD")), *lines[begin + 1 : end]):
        name, value = _split(line)
        found.setdefault(name, []).append(value)

    def one(name: str) -> str:
        values = found.get(name, [])
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else ""

    return Item(
        method=one("METHOD"),
        uid=one("UID"),
        sequence=int(one("SEQUENCE") or 0),
        stamp=datetime.strptime(one("DTSTAMP"), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        organizer=_bare(one("ORGANIZER")),
        attendees=tuple(map(_bare, found.get("ATTENDEE", ()))),
        title=_unescaped(one("SUMMARY")),
        location=_unescaped(one("LOCATION")),
        start=one("DTSTART"),
        description=_unescaped(one("DESCRIPTION")),
    )


def _split(line: str) -> tuple[str, str]:
    """Name and value of a content line; a colon within quotes belongs to a parameter."""
    quoted = False
    for at, char in enumerate(line):
        if char == '"':
            quoted = not quoted
        elif char == ":" and not quoted:
            return line[:at].partition(";")[0].upper(), line[at + 1 :]
    return "", ""


def _bare(address: str) -> str:
    return address[7:] if address.lower().startswith("mailto:") else address


def _unescaped(text: str) -> str:
    out, rest = "", iter(text)
    for char in rest:
        if char == "\\":
            following = next(rest, "")
            out += "\n" if following in "nN" else following
        else:
            out += char
    return out

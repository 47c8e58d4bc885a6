"""What the guard asks of every message, and the only place where one is cleared."""

import re
from binascii import a2b_base64
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b, sha256
from html import unescape
from itertools import chain
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from tui.contents import Unopened, look_into
from tui.guard import cleared
from tui.guard.cleared import Cleared, Leak
from tui.guard.mailboxes import keys
from tui.guard.memory import Memory
from tui.guard.reading import Head, Header, Part, Reading, Unreadable, read, unfolded
from tui.guard.roll import Except, Findings, Found, Roll, Said, as_it_stands, nothing
from tui.guard.spelling import TAG, TooDeep
from tui.guard.values import Spoken

_OURS = frozenset(
    {
        *("from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references"),
        *("content-language", "x-invite-tui-ref", "mime-version", "content-type"),
    }
)
_OURS_IN_A_PART = frozenset({"content-type", "content-transfer-encoding", "content-disposition"})
_MAILBOXES = frozenset({"to", "from", "reply-to"})
_BARE = re.compile(r"\s*[^<>\s,;:\"()]+@[^<>\s,;:\"()]+\s*")
_MAILBOX = re.compile(
    r"\s*(?:\"(?:[^\"\\]|\\.)*\"|(?:=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=\s*)+|[A-Za-z0-9!#$%&'*+/=?^_`{|}~\s-]+)?\s*"
    r"<([^<>\s,;:\"]+)>\s*"
)
_PROPERTY = re.compile(
    r"(?:^|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029])(ATTENDEE|METHOD)(?![A-Za-z0-9-])([^\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]*)",
    re.IGNORECASE,
)
_MAILTO = re.compile(r":mailto:([^:]*)$", re.IGNORECASE)
_LINE_BREAK = re.compile(r"\\[nN]|\^n")
_FOLDED = re.compile(r"^.*(?:\r?\n[ \t].*)+", re.MULTILINE)
_DATA_URI = re.compile(r"data:([^\s\"'<>]*)", re.IGNORECASE)
_CALENDARS = ("text/calendar", "application/ics")

# Words of the formats themselves. "Confirmed", "True" and "Individual" are in every calendar object, so that a column
# with such values would stop every mailing; what is cut out here is never a value, and the rest is searched.
_FORMAL: Mapping[str, re.Pattern[str]] = {
    "date": re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"),
    "message-id": re.compile(r"<[0-9a-f]{32}@"),
    "in-reply-to": re.compile(r"<[0-9a-f]{32}@"),
    "references": re.compile(r"<[0-9a-f]{32}@"),
    "x-invite-tui-ref": re.compile(r"[0-9a-f]{40}"),
    "content-language": re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"),
    "content-type": re.compile(
        r"^[a-z]+/[a-z0-9.+-]+|charset=utf-8|method=(?:REQUEST|CANCEL)|boundary=\"=_invite-tui_(?:mixed|alternative)\"",
        re.IGNORECASE,
    ),
    "content-transfer-encoding": re.compile(r"base64|quoted-printable"),
    "content-disposition": re.compile(r"^attachment|filename(?:=\"invite\.ics\"|\*=utf-8''|=)"),
}
_FORMAL_IN_HTML = re.compile(
    r"style=\"text-align:\s?(?:left|right|center)\"|</?[A-Za-z][A-Za-z0-9]*|(?<=[\s\"'])[A-Za-z-]+(?==[\"'])"
)
_FORMAL_IN_CALENDAR = re.compile(
    r"^(?:(?:BEGIN|END):(?:VCALENDAR|VEVENT)|VERSION:2\.0|PRODID:-//invite-tui//invite-tui//EN|CALSCALE:GREGORIAN"
    r"|METHOD:(?:REQUEST|CANCEL)|STATUS:(?:CONFIRMED|CANCELLED)|TRANSP:(?:OPAQUE|TRANSPARENT)|SEQUENCE:\d+"
    r"|DT(?:STAMP|START|END):\d{8}T\d{6}Z)\r?$"
    r"|^UID:[0-9a-f]{40}@|^(?:SUMMARY|DESCRIPTION|LOCATION|ORGANIZER|ATTENDEE)(?=[;:])"
    r"|;(?:CUTYPE=INDIVIDUAL|ROLE=REQ-PARTICIPANT|PARTSTAT=NEEDS-ACTION|RSVP=TRUE|CN=)|:mailto:",
    re.MULTILINE,
)


class Search(NamedTuple):
    """A roll that is searched for one recipient, whose `names` stand in their message and in no other."""

    roll: Roll
    names: tuple[str, ...]

    @property
    def places(self) -> Memory[Hashable, tuple[Found, ...]]:
        return self.roll.places

    def find(self, text: str, said: Said) -> Findings:
        return self.roll.find(text, said, self.names)

    def find_apart(self, texts: Sequence[str]) -> Findings:
        return self.roll.find_apart(texts, self.names)


def clear(raw: bytes, recipient: str, roll: Roll, own_words: str = "") -> Cleared | tuple[Leak, ...]:
    """The message, cleared for `recipient` alone; or every leak that was found in it.

    `own_words` is what stands in the recipient's own columns that are not internal, a line each, the name first: an
    internal value that is also there is theirs to see. The same bytes for the same recipient are read once: the second
    time, in the moment before they go out, their digest is compared with that of what was cleared.
    """
    digest = sha256(raw).hexdigest()
    mark = blake2b(f"{digest}\x00{recipient}\x00{own_words}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if mark not in roll.cleared:
        leaks = _leaks(raw, recipient, roll, own_words)
        if leaks:
            return leaks
        roll.cleared.add(mark)
    return Cleared(cleared._SEAL, raw, recipient, digest)


def _leaks(raw: bytes, recipient: str, roll: Roll, own_words: str) -> tuple[Leak, ...]:
    try:
        message = read(raw)
        found = tuple(_found(message, Search(roll, (*own_words.splitlines()[:1], recipient))))
        leaks = (
            *_envelope(message, recipient),
            *_calendars(message, recipient),
            *_people_and_values(found, recipient, own_words),
            *_unopened(found, roll),
        )
    except Unreadable as error:
        leaks = (Leak(error.where, error.what, f"The message cannot be read back safely: {error.what}."),)
    return tuple(dict.fromkeys(leaks))


def _envelope(message: Reading, recipient: str) -> Iterator[Leak]:
    """One From, one To that is the recipient, and no header that could name anybody else."""
    counts: dict[str, int] = {}
    for header in message.headers:
        name = header.name.lower()
        counts[name] = counts.get(name, 0) + 1
        if name not in _OURS:
            yield Leak(header.name, header.value, f"The message has a header {header.name}, which none of ours has.")
        elif counts[name] == 2:
            yield Leak(header.name, header.value, f"The message has more than one {header.name} header.")
        if name not in _MAILBOXES:
            continue
        found = _MAILBOX.fullmatch(header.raw)
        if name == "to" and (not found or found[1] != recipient):
            yield Leak("To", header.value, f"To is not just the recipient, {recipient}.")
        if name != "to" and not found and not _BARE.fullmatch(header.raw):
            yield Leak(header.name, header.value, f"{header.name} does not hold exactly one address.")
    for name in ("from", "to"):
        if name not in counts:
            yield Leak(name.title(), "", f"The message has no {name.title()} header.")
    for header in chain.from_iterable(head.headers for head in message.heads):
        if header.name.lower() not in _OURS_IN_A_PART:
            yield Leak(header.name, header.value, f"A part has a header {header.name}, which none of ours has.")


def _calendars(message: Reading, recipient: str) -> Iterator[Leak]:
    """Every calendar object has one ATTENDEE, the recipient, and the METHOD that the message declares."""
    declared: set[str] = set()
    for part in message.parts:
        if part.head.kind not in _CALENDARS:
            continue
        lines = _PROPERTY.findall(unfolded(part.text))
        attendees = [rest for name, rest in lines if name.upper() == "ATTENDEE"]
        if len(attendees) != 1:
            yield Leak(
                part.where, str(len(attendees)), f"The calendar object names {len(attendees)} attendees, not one."
            )
        for line in attendees:
            target = _MAILTO.search(line)
            if not target or target[1] != recipient:
                yield Leak(part.where, line[:200], "The calendar object's attendee is not the recipient.")
        methods = [rest.partition(":")[2].strip() for name, rest in lines if name.upper() == "METHOD"]
        declared.update(part.head.parameters.get("method", method) for method in methods[:1])
        if len(methods) != 1 or {*methods} != declared:
            yield Leak(part.where, " ".join(methods), "The calendar object's METHOD is not the one declared.")


def _people_and_values(places: Iterable[Found], recipient: str, own_words: str) -> Iterator[Leak]:
    """Nobody else's address and no internal value, in any header, part, file name, or gap between parts."""
    mine = frozenset(keys(recipient))
    own: Spoken | None = None
    for found in places:
        for key in sorted(found.people - mine):
            yield Leak(found.where, key, f"{key}, another attendee's address, is in it.")
        for value in sorted(found.values):
            own = own or Spoken(own_words)
            if not own.holds(value):
                said = value.partition(":")[2] or value
                yield Leak(found.where, said, f"“{said}”, from a column that is marked internal, is in it.")


def _unopened(places: Iterable[Found], roll: Roll) -> Iterator[Leak]:
    """Nothing that cannot be looked into, unless the organiser says that it was reviewed."""
    for found in places:
        if found.unopened and found.digest not in roll.reviewed:
            name = found.where.partition("/")[0]
            advice = f'Look into it, and if it may go to everybody write reviewed = ["{name}@{found.digest}"]'
            what = f"It cannot be searched: {found.unopened}. {advice} under [message]."
            yield Leak(found.where, found.unopened, what)


def _found(message: Reading, roll: Search) -> Iterator[Found]:
    """Each place of the message in which something was found, and what of the roll it is."""
    places = roll.places
    for header in message.headers:
        yield from places.once(header.line, partial(_in_header, header, roll))
    for head in message.heads:
        yield from places.once(head.lines, partial(_in_head, head, roll))
    for part in message.parts:
        yield from _in_part(part, roll)
    if message.between.strip():
        yield from _in_text("between the parts", message.between.decode("latin-1"), roll, as_it_stands)


def _in_header(header: Header, roll: Search) -> tuple[Found, ...]:
    found = _in_text(header.name, header.value, roll, _SAID_IN_HEADERS.get(header.name.lower(), as_it_stands))
    if header.raw != header.value:
        found += _in_text(header.name, header.raw, roll, nothing)
    return found


def _in_head(head: Head, roll: Search) -> tuple[Found, ...]:
    """What stands above a part: its headers, and the names that it is given."""
    places = [_in_header(header, roll) for header in head.headers]
    places += [_in_text(head.where, name, roll, as_it_stands) for name in head.names if name != "invite.ics"]
    return tuple(chain.from_iterable(places))


def _in_part(part: Part, roll: Search) -> tuple[Found, ...]:
    if part.head.kind in _CALENDARS:
        # The calendar part and its copy are one text in two places.
        found = roll.places.once(
            (part.head.encoding, part.body), partial(_in_content_lines, part.where, part.text, roll)
        )
        return tuple(one._replace(where=part.where) for one in found)
    if part.is_file:
        file = (part.where, sha256(part.body).digest(), part.head.encoding)
        return roll.places.once(file, partial(_in_file, part, roll))
    text = part.text
    if part.head.kind != "text/html":
        return _in_text(part.where, text, roll, as_it_stands)
    found = _in_text(part.where, text, roll, _in_html)
    for number, uri in enumerate(_DATA_URI.findall(unescape(text)) if "data:" in text else (), 1):
        key = (part.where, number, uri)
        found += roll.places.once(key, partial(_in_data_uri, f"{part.where}/data URI {number}", uri, roll))
    return found


def _in_text(where: str, text: str, roll: Search, said: Said) -> tuple[Found, ...]:
    return _searched(where, lambda: roll.find(text, said))


def _searched(where: str, find: Callable[[], Findings]) -> tuple[Found, ...]:
    try:
        people, values = find()
    except TooDeep:
        raise Unreadable(where, "something that is encoded over and over again") from None
    return (Found(where, people, values),) if people or values else ()


def _in_file(part: Part, roll: Search) -> tuple[Found, ...]:
    """An attachment, whatever it is called, with everything that is inside it."""
    return tuple(_inside(part.where, part.content(), roll))


def _in_data_uri(where: str, uri: str, roll: Search) -> tuple[Found, ...]:
    about, _, data = uri.partition(",")
    content = unquote_to_bytes(data)
    if "base64" in about.lower():
        digits = re.sub(rb"[^A-Za-z0-9+/]", b"", content.replace(b"-", b"+").replace(b"_", b"/"))
        content = a2b_base64(digits[: len(digits) - (len(digits) % 4 == 1)] + b"=" * (-len(digits) % 4))
    return tuple(_inside(where, content, roll))


def _inside(where: str, content: bytes, roll: Search) -> Iterator[Found]:
    """What is in a file. What cannot be opened is searched for addresses alone: its words are its format's."""
    digest = sha256(content).hexdigest()
    closed: set[str] = set()
    for passage in look_into(where, content):
        inner = "/".join(filter(None, (where, passage.where)))
        if isinstance(passage, Unopened):
            closed.add(inner)
            yield Found(inner, frozenset(), frozenset(), passage.reason, digest)
        elif inner in closed:
            yield from _in_text(inner, passage.text, roll, nothing)
        elif passage.kind == "calendar":
            yield from _in_content_lines(inner, passage.text, roll)
        else:
            yield from _in_text(inner, passage.text, roll, _SAID_IN_PASSAGES.get(passage.kind, _in_html))


def _in_content_lines(where: str, text: str, roll: Search) -> tuple[Found, ...]:
    """A calendar object or a card: as it reads, and where lines are folded, as it stands."""
    found = _in_text(where, _LINE_BREAK.sub("\n", unfolded(text)), roll, _said_in_calendar)
    folded = [line for block in _FOLDED.findall(text) for line in block.splitlines()]
    return (*found, *_searched(where, lambda: roll.find_apart(folded)))


def _in_html(text: str) -> tuple[str, ...]:
    """A value stands in what is shown, where a tag may part two words or none, or in a tag or a comment."""
    if "<" not in text:
        return (text,)
    tags = "\n".join(TAG.findall(text))
    return TAG.sub("", text), TAG.sub(" ", text), _FORMAL_IN_HTML.sub(" ", tags)


_said_in_calendar: Said = Except(_FORMAL_IN_CALENDAR)
_SAID_IN_HEADERS: Mapping[str, Said] = {name: Except(formal) for name, formal in _FORMAL.items()}
_SAID_IN_PASSAGES: Mapping[str, Said] = {"text": _in_html, "html": _in_html, "name": as_it_stands}

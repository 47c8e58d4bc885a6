"""Every place of a message in which something may stand, and how it is read there."""

import re
from binascii import a2b_base64
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from html import unescape
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

from tui.contents import Unopened, look_into
from tui.guard.findings import Except, Findings, Found, Said, as_it_stands, nothing
from tui.guard.form import CALENDARS
from tui.guard.memory import Memory
from tui.guard.reading import Head, Header, Part, Reading, Unreadable, unbroken, unfolded
from tui.guard.spelling import TAG, TooDeep

if TYPE_CHECKING:
    from tui.guard.roll import Roll

_DATA_URI = re.compile(r"data:([^\s\"'<>]*)", re.IGNORECASE)
_LINE_BREAK = re.compile(r"\\[nN]|\^n")
_FOLDED = re.compile(r"^.*(?:\r?\n[ \t].*)+", re.MULTILINE)

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


class Search(Protocol):
    """What is looked for in one message: see `Roll.find`. `recipient` is whose it is."""

    @property
    def recipient(self) -> str: ...
    @property
    def places(self) -> Memory[Hashable, tuple[Found, ...]]: ...
    def find(self, text: str, said: Said) -> Findings: ...
    def find_apart(self, texts: Sequence[str]) -> Findings: ...


class OfRoll(NamedTuple):
    """A roll that is searched for."""

    roll: "Roll"
    recipient: str

    @property
    def places(self) -> Memory[Hashable, tuple[Found, ...]]:
        return self.roll.places

    def find(self, text: str, said: Said) -> Findings:
        return self.roll.find(text, said)

    def find_apart(self, texts: Sequence[str]) -> Findings:
        return self.roll.find_apart(texts)


def in_headers(message: Reading, search: Search) -> Iterator[Found]:
    """Where something was found in the headers of a message."""
    for header in message.headers:
        yield from search.places.once(header.line, partial(_in_header, header, search))


def around_parts(message: Reading, search: Search) -> Iterator[Found]:
    """Where something was found above the parts of a message, and in the gaps between them."""
    for head in message.heads:
        yield from search.places.once(head.lines, partial(_in_head, head, search))
    if message.between.strip():
        yield from _in_text("between the parts", message.between.decode("latin-1"), search, as_it_stands)


def in_part(part: Part, search: Search) -> tuple[Found, ...]:
    """Where something was found in a part's body."""
    if part.head.kind in CALENDARS:
        # The calendar part and its copy are one text in two places.
        found = search.places.once(
            (search.recipient, part.head.encoding, part.body),
            partial(_in_content_lines, part.where, unbroken(part.text, search.recipient), search),
        )
        return tuple(one._replace(where=part.where) for one in found)
    if part.is_file:
        file = (part.where, sha256(part.body).digest(), part.head.encoding)
        return search.places.once(file, partial(_in_file, part, search))
    text = part.text
    if part.head.kind != "text/html":
        return _in_text(part.where, text, search, as_it_stands)
    found = _in_text(part.where, text, search, in_html)
    for number, uri in enumerate(_DATA_URI.findall(unescape(text)) if "data:" in text else (), 1):
        key = (part.where, number, uri)
        found += search.places.once(key, partial(_in_data_uri, f"{part.where}/data URI {number}", uri, search))
    return found


def _in_header(header: Header, search: Search) -> tuple[Found, ...]:
    found = _in_text(header.name, header.value, search, _SAID_IN_HEADERS.get(header.name.lower(), as_it_stands))
    if header.raw != header.value:
        found += _in_text(header.name, header.raw, search, nothing)
    return found


def _in_head(head: Head, search: Search) -> tuple[Found, ...]:
    """What stands above a part: its headers, and the names that it is given."""
    places = [_in_header(header, search) for header in head.headers]
    places += [_in_text(head.where, name, search, as_it_stands) for name in head.names if name != "invite.ics"]
    return tuple(chain.from_iterable(places))


def _in_text(where: str, text: str, search: Search, said: Said) -> tuple[Found, ...]:
    return _searched(where, lambda: search.find(text, said))


def _searched(where: str, find: Callable[[], Findings]) -> tuple[Found, ...]:
    try:
        people, values = find()
    except TooDeep:
        raise Unreadable(where, "something that is encoded over and over again") from None
    return (Found(where, people, values),) if people or values else ()


def _in_file(part: Part, search: Search) -> tuple[Found, ...]:
    """An attachment, whatever it is called, with everything that is inside it."""
    return tuple(_inside(part.where, part.content(), search))


def _in_data_uri(where: str, uri: str, search: Search) -> tuple[Found, ...]:
    about, _, data = uri.partition(",")
    content = unquote_to_bytes(data)
    if "base64" in about.lower():
        digits = re.sub(rb"[^A-Za-z0-9+/]", b"", content.replace(b"-", b"+").replace(b"_", b"/"))
        content = a2b_base64(digits[: len(digits) - (len(digits) % 4 == 1)] + b"=" * (-len(digits) % 4))
    return tuple(_inside(where, content, search))


def _inside(where: str, content: bytes, search: Search) -> Iterator[Found]:
    """What is in a file. What cannot be opened is searched for addresses alone: its words are its format's."""
    digest = sha256(content).hexdigest()
    closed: set[str] = set()
    for passage in look_into(where, content):
        inner = "/".join(filter(None, (where, passage.where)))
        if isinstance(passage, Unopened):
            closed.add(inner)
            yield Found(inner, frozenset(), frozenset(), passage.reason, digest)
        elif inner in closed:
            yield from _in_text(inner, passage.text, search, nothing)
        elif passage.kind == "calendar":
            yield from _in_content_lines(inner, passage.text, search)
        else:
            yield from _in_text(inner, passage.text, search, _SAID_IN_PASSAGES.get(passage.kind, in_html))


def _in_content_lines(where: str, text: str, search: Search) -> tuple[Found, ...]:
    """A calendar object or a card: as it reads, and where lines are folded, as it stands."""
    found = _in_text(where, _LINE_BREAK.sub("\n", unfolded(text)), search, said_in_calendar)
    folded = [line for block in _FOLDED.findall(text) for line in block.splitlines()]
    return (*found, *_searched(where, lambda: search.find_apart(folded)))


def in_html(text: str) -> tuple[str, ...]:
    """A value stands in what is shown, where a tag may part two words or none, or in a tag or a comment."""
    if "<" not in text:
        return (text,)
    tags = "\n".join(TAG.findall(text))
    return TAG.sub("", text), TAG.sub(" ", text), _FORMAL_IN_HTML.sub(" ", tags)


said_in_calendar: Said = Except(_FORMAL_IN_CALENDAR)
_SAID_IN_HEADERS: Mapping[str, Said] = {name: Except(formal) for name, formal in _FORMAL.items()}
_SAID_IN_PASSAGES: Mapping[str, Said] = {"text": in_html, "html": in_html, "name": as_it_stands}

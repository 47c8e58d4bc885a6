"""What the guard asks of every message, and the only place where one is cleared."""

import hashlib
import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from tui import address
from tui.guard import cleared
from tui.guard.cleared import Cleared, Leak
from tui.guard.reading import Part, Reading, Unreadable, content_lines, read

_EXPECTED = frozenset(
    {
        *("from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references"),
        *("content-language", "x-invite-tui-ref", "mime-version", "content-type"),
    }
)
_ONE_MAILBOX = re.compile(
    r"\s*(?:\"(?:[^\"\\]|\\.)*\"|(?:=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=\s*)+|[A-Za-z0-9!#$%&'*+/=?^_`{|}~\s-]+)?\s*"
    r"<([^<>\s,;:\"]+)>\s*"
)
_ADDRESS = re.compile(r"([\w.!#$%&'*+/=?^`{|}~-]+)@([\w-]+(?:\.[\w-]+)+)")
_INSIDE = re.compile(r"[!#$%&'*/=?^`{|}~]+")
_WORDS = re.compile(r"[^\W_]+")
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_SOFT_BREAKS = re.compile(
    r"<!--.*?-->|</?(?:wbr|b|i|u|em|strong|span|font|a|code|tt|small|big|mark)\b[^>]*>", re.IGNORECASE | re.DOTALL
)


class Roll:
    """Whom and what no message may give away: everybody's address, and the values of the internal columns.

    `public` are addresses that everybody is meant to see (organizer, From, Reply-To). `common` is the event's and the
    templates' own text. An internal value counts when it has four or more letters or digits and is no part of `common`
    (contract §6.5); looking anything up costs the same for ten attendees and for a million.
    """

    def __init__(
        self, addresses: Iterable[str], internal: Iterable[str] = (), public: Iterable[str] = (), common: str = ""
    ) -> None:
        self._public = {key for text in public for key in _keys(text)}
        self._everyone = {key for text in addresses for key in _keys(text)} - self._public
        spoken = _spaced(common)
        self._internal: dict[str, set[tuple[str, ...]]] = {}
        for value in set(internal):
            words = tuple(_WORDS.findall(value.casefold()))
            if sum(map(len, words)) >= 4 and f" {' '.join(words)} " not in spoken:
                self._internal.setdefault(words[0], set()).add(words)
        self._seen: dict[bytes, tuple[frozenset[str], frozenset[tuple[str, ...]]]] = {}

    def findings(self, text: str) -> tuple[frozenset[str], frozenset[tuple[str, ...]]]:
        """Which addresses of the roll, and which internal values, stand in `text` in any spelling we know."""
        people = frozenset(key for key in _addresses_in(text) if key in self._everyone)
        return people, frozenset(self._values_in(text)) if self._internal else frozenset()

    def findings_in_file(self, content: bytes) -> tuple[frozenset[str], frozenset[tuple[str, ...]]]:
        """The same for an attachment's bytes; one that everybody gets is opened once."""
        digest = hashlib.sha256(content).digest()
        if digest not in self._seen:
            self._seen[digest] = self.findings(_as_text(content))
        return self._seen[digest]

    def _values_in(self, text: str) -> Iterator[tuple[str, ...]]:
        words = _WORDS.findall(text.casefold())
        for at, word in enumerate(words):
            for value in self._internal.get(word, ()):
                if tuple(words[at : at + len(value)]) == value:
                    yield value


def clear(raw: bytes, recipient: str, roll: Roll, own_words: str = "") -> Cleared | tuple[Leak, ...]:
    """The message, cleared for `recipient` alone; or every leak that was found in it.

    `own_words` is what stands in the recipient's own columns that are not internal: an internal value that is also
    there is theirs to see.
    """
    try:
        message = read(raw)
        leaks = (
            *_envelope(message, recipient),
            *_calendars(message, recipient),
            *_people(message, recipient, roll, own_words),
        )
    except Unreadable as error:
        leaks = (Leak(error.where, error.what, f"The message cannot be read back safely: {error.what}."),)
    if leaks:
        return tuple(dict.fromkeys(leaks))
    return Cleared(cleared._SEAL, raw, recipient, hashlib.sha256(raw).hexdigest())


def _envelope(message: Reading, recipient: str) -> Iterator[Leak]:
    """One From, one To that is the recipient, and no header that could name anybody else."""
    counts: dict[str, int] = {}
    for header in message.headers:
        name = header.name.lower()
        counts[name] = counts.get(name, 0) + 1
        if name not in _EXPECTED:
            yield Leak(header.name, header.value, f"The message has a header {header.name}, which none of ours has.")
        elif counts[name] == 2:
            yield Leak(header.name, header.value, f"The message has more than one {header.name} header.")
    for name in ("from", "to"):
        if not counts.get(name):
            yield Leak(name.title(), "", f"The message has no {name.title()} header.")
    for header in message.headers:
        if header.name.lower() == "to":
            found = _ONE_MAILBOX.fullmatch(header.raw)
            if not found or found.group(1) != recipient:
                yield Leak("To", header.value, f"To is not just the recipient, {recipient}.")
        if header.name.lower() in ("from", "reply-to") and len(list(_ADDRESS.finditer(header.raw))) != 1:
            yield Leak(header.name, header.value, f"{header.name} does not hold exactly one address.")


def _calendars(message: Reading, recipient: str) -> Iterator[Leak]:
    """Every calendar object has one ATTENDEE, the recipient, and the METHOD that its part declares."""
    for part in message.parts:
        if part.kind not in ("text/calendar", "application/ics"):
            continue
        lines = list(content_lines(_text(part)))
        attendees = [line for name, line in lines if name == "ATTENDEE"]
        if len(attendees) != 1:
            yield Leak(
                part.where, str(len(attendees)), f"The calendar object names {len(attendees)} attendees, not one."
            )
        for line in attendees:
            target = re.search(r":mailto:([^:]*)$", line, re.IGNORECASE)
            if not target or target.group(1) != recipient:
                yield Leak(part.where, line[:200], "The calendar object's attendee is not the recipient.")
        methods = {line.partition(":")[2].strip() for name, line in lines if name == "METHOD"}
        if part.kind == "text/calendar" and methods != {part.parameters.get("method")}:
            yield Leak(part.where, " ".join(sorted(methods)), "The calendar object's METHOD is not the one declared.")


def _people(message: Reading, recipient: str, roll: Roll, own_words: str) -> Iterator[Leak]:
    """Nobody else's address and no internal value, in any header, part, file name, or gap between parts."""
    mine, own = set(_keys(recipient)), _spaced(own_words)
    places: list[tuple[str, tuple[frozenset[str], frozenset[tuple[str, ...]]]]] = []
    headers = (*message.headers, *(header for part in message.parts for header in part.headers))
    places.extend((header.name, roll.findings(f"{header.value}\n{header.raw}")) for header in headers)
    for part in message.parts:
        places.append((part.where, roll.findings(part.name)))
        places.append((part.where, roll.findings_in_file(part.content) if part.name else roll.findings(_text(part))))
    places.append(("between the parts", roll.findings(_as_text(message.between))))
    for where, (people, values) in places:
        for key in sorted(people - mine):
            yield Leak(where, key, f"{key}, another attendee's address, is in it.")
        for value in sorted(values):
            words = " ".join(value)
            if f" {words} " not in own:
                yield Leak(where, words, f"“{words}”, from a column that is marked internal, is in it.")


def _text(part: Part) -> str:
    charset = part.parameters.get("charset", "utf-8")
    try:
        return part.content.decode(charset)
    except (LookupError, UnicodeDecodeError):
        raise Unreadable(part.where, f"text that is not {charset}") from None


def _as_text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8", "replace")


def _addresses_in(text: str) -> Iterator[str]:
    """Every address in `text` in the form in which the roll keeps it, in all its readings."""
    if "@" not in text and "&" not in text and "%40" not in text and "\uff20" not in text:
        return
    seen = set()
    for reading in _readings(text):
        for found in _ADDRESS.finditer(reading):
            local, domain = found.groups()
            if (local, domain) in seen:
                continue
            seen.add((local, domain))
            # "u=bo@example.org" in a link: what stands before "=" belongs to the link, or to the address.
            for begin in (0, *(gap.end() for gap in _INSIDE.finditer(local))):
                yield from _keys(f"{local[begin:]}@{domain}")


def _readings(text: str) -> Iterator[str]:
    """The text as it stands, and as it reads: entities and percent signs decoded, hidden characters and tags gone."""
    yield text
    plain = html.unescape(text) if "&" in text else text
    plain = unquote(plain) if "%" in plain else plain
    plain = _INVISIBLE.sub("", plain) if not plain.isascii() else plain
    if plain != text:
        yield plain
    if "<" in plain:
        joined = _SOFT_BREAKS.sub("", plain)
        if joined != plain:
            yield joined


@lru_cache(maxsize=1 << 12)
def _keys(text: str) -> tuple[str, ...]:
    """The forms under which one address is known: its key, and its key without a +tag."""
    local, _, domain = text.strip(" .").rpartition("@")
    local = local.strip(".")
    if local.isascii() and domain.isascii():
        key = f"{local}@{domain}".lower()
    else:
        try:
            key = address.parse(f"{local}@{domain}").key
        except address.AddressError:
            key = f"{local}@{domain}".casefold()
    local, _, domain = key.rpartition("@")
    bare = local.partition("+")[0]
    return (key, f"{bare}@{domain}") if bare and bare != local else (key,)


def _spaced(text: str) -> str:
    return f" {' '.join(_WORDS.findall(text.casefold()))} "

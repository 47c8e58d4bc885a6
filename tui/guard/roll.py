"""Whom and what no message may give away, and how it is found in a text, however it is spelled there."""

import html
import re
import unicodedata
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, product
from typing import NamedTuple, TypeVar
from urllib.parse import unquote

from tui import address

Value = tuple[str, ...]
"""The words of a cell in a column that is marked internal."""

Findings = tuple[frozenset[str], frozenset[Value]]
"""Which addresses, and which internal values, stand in a place of a message."""

Said = Callable[[str], tuple[str, ...]]
"""What of a text may be a value, where it is not the format's own: one or more readings of it."""

_NOBODY: frozenset[str] = frozenset()
_REMEMBERED = 5_000
_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

# Characters of the part before the @, read backwards from it, and of the part after it. Text may run on without a space
# in scripts that use none, so that plain ASCII is tried beside the wide sense.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_WIDE_LOCAL = re.compile(r"[^\s()<>\[\]:;,\\\"@]+")
_WIDE_DOMAIN = re.compile(r"[^\s()<>\[\]:;,\\\"@/?#&=|!_.]+(?:\.[^\s()<>\[\]:;,\\\"@/?#&=|!_.]+)+")
_PLAIN_ADDRESS = re.compile(rf"{_LOCAL.pattern}@{_DOMAIN.pattern}")
_WITHIN = re.compile(rf"{_LOCAL.pattern}@+{_DOMAIN.pattern}")
_PLAIN = ((_LOCAL, _DOMAIN),)
_WIDE = ((_WIDE_LOCAL, _WIDE_DOMAIN),)
_LONGEST = 128  # characters before the @ that are looked at: a local part has 64 octets at most
_BEGIN_WITHIN = re.compile(r"[!#$%&'*+/=?^`{|}~]+[._-]*|^[._-]+")
_END_WITHIN = re.compile(r"[.-]+")

# Scripts that put no space between words: each character counts as a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(r"[^\W_]+")
_WIDE_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
TAG = re.compile(r"<!--.*?-->|<[!/?A-Za-z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>|<[!/?A-Za-z][^<>]*>", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")


class _Line(NamedTuple):
    """What is known of a line: whom it names, and why it may have to be read together with the next."""

    people: frozenset[str]
    may_begin_value: bool
    is_open: bool


class Roll:
    """Everybody's address, and the values of the internal columns.

    What stands for an address may be the cell of a row that was left out: whoever is named in it is protected as well.

    `public` are addresses that everybody is meant to see (organizer, From, Reply-To). `common` is the event's and the
    templates' own text. An internal value counts when it has four or more letters or digits and is no part of `common`
    (contract §6.5). Looking anything up costs the same for ten attendees and for a million.
    """

    def __init__(
        self, addresses: Iterable[str], internal: Iterable[str] = (), public: Iterable[str] = (), common: str = ""
    ) -> None:
        seen_by_all = tuple(public)
        self._public = {key for text in seen_by_all for key in keys(text)}
        named = (part for text in addresses for part in (text, *_within(text)))
        self._everyone = frozenset(key for text in named for key in keys(text)) - self._public
        spoken = spaced("\n".join((common, *seen_by_all)))
        self._values: set[Value] = set()
        for text in set(internal):
            value = words(text)
            if sum(map(len, value)) >= 4 and f" {' '.join(value)} " not in spoken:
                self._values.add(value)
        lengths: dict[str, set[int]] = {}
        for value in self._values:
            lengths.setdefault(value[0], set()).add(len(value))
        self._lengths = {first: tuple(sorted(numbers)) for first, numbers in lengths.items()}
        self._lines: dict[tuple[str, Said], _Line] = {}
        self._places: dict[Hashable, Findings] = {}

    def find(self, text: str, said: Said) -> Findings:
        """The addresses that stand in `text`, and the internal values in what of it is `said`.

        Most lines are the same in every message of a run, so what was found in one is remembered. Nothing is missed by
        going line by line: no address goes over a line's end but where a tag does, and then the whole is searched; and
        where a value may begin, its words are compared in the whole.
        """
        lines = [self._line(line, said) for line in text.splitlines()]
        if any(line.is_open for line in lines):
            people = self._people_in(text)
        else:
            people = _NOBODY.union(*(line.people for line in lines if line.people))
        if any(line.may_begin_value for line in lines):
            return people, frozenset(value for reading in _said(text, said) for value in self._values_among(reading))
        return people, frozenset()

    def once(self, place: Hashable, find: Callable[[], Findings]) -> Findings:
        """What `find` finds in a place, remembered."""
        found = self._places.get(place)
        if found is None:
            found = _remember(self._places, place, find())
        return found

    def _line(self, line: str, said: Said) -> "_Line":
        found = self._lines.get((line, said))
        if found is None:
            begins = bool(self._lengths) and any(
                not self._lengths.keys().isdisjoint(reading) for reading in _said(line, said)
            )
            rest = TAG.sub("", line)
            found = _Line(self._people_in(line), begins, "<" in rest or ">" in rest)
            _remember(self._lines, (line, said), found)
        return found

    def _people_in(self, text: str) -> frozenset[str]:
        return frozenset(key for reading in readings(text) for key in self._addressed(reading))

    def _values_among(self, said: Value) -> Iterator[Value]:
        for at, word in enumerate(said):
            for length in self._lengths.get(word, ()):
                if said[at : at + length] in self._values:
                    yield said[at : at + length]

    def _addressed(self, text: str) -> Iterator[str]:
        at = text.find("@")
        while at >= 0:
            yield from self._known_at(text, at)
            at = text.find("@", at + 1)

    def _known_at(self, text: str, at: int) -> frozenset[str]:
        """The longest spelling around this @ that anybody has for an address, if it is one that must stay unseen.

        The longest, because "o'bo@example.org" is not Bo; but in "u=bo@example.org", which is nobody's, Bo is named.
        """
        before = text[max(0, at - _LONGEST) : at][::-1]
        patterns = _PLAIN if text.isascii() else (*_WIDE, *_PLAIN)
        locals_ = [found[0][::-1] for local, _ in patterns if (found := local.match(before))]
        domains = [found[0] for _, domain in patterns if (found := domain.match(text, at + 1))]
        for domain, local in chain(product(domains, locals_), product(_shorter(domains), _later(locals_))):
            found_keys = keys(f"{local}@{domain}")
            if not self._everyone.isdisjoint(found_keys):
                return self._everyone.intersection(found_keys)
            if not self._public.isdisjoint(found_keys):
                break
        return _NOBODY


def readings(text: str) -> Iterator[str]:
    """The text as it stands, and decoded, without what is invisible, without tags, without backslashes."""
    yield text
    plain = text
    for _ in range(4):
        before = plain
        plain = html.unescape(plain) if "&" in plain else plain
        plain = unquote(plain) if "%" in plain else plain
        if not plain.isascii():
            # The full stops of Chinese and Japanese part the labels of a domain as well (RFC 3490 §3.1).
            plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", plain)).replace("\u3002", ".")
        if plain == before:
            break
    if plain != text:
        yield plain
    if "<" in plain and (joined := TAG.sub("", plain)) != plain:
        yield joined
    if "\\" in plain:
        yield plain.replace("\\", "")
    hidden = "\n".join(filter(None, map(_unhidden, _BASE64.findall(plain))))
    if hidden:
        yield hidden


def as_it_stands(text: str) -> tuple[str, ...]:
    """All of a text may be a value."""
    return (text,)


def _said(text: str, said: Said) -> Iterator[Value]:
    return (words(reading) for variant in said(text) for reading in readings(variant))


def _remember(memory: dict[_K, _V], key: _K, found: _V) -> _V:
    if len(memory) > _REMEMBERED:
        memory.clear()
    memory[key] = found
    return found


def words(text: str) -> Value:
    """The words of a text as values are compared: letters and digits, whatever stands between them."""
    if text.isascii():
        return tuple(_WORD.findall(text.lower()))
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    return tuple(_WIDE_WORD.findall(unicodedata.normalize("NFKC", plain)))


def spaced(text: str) -> str:
    """The words of each line of `text`, a space around each, so that a value's words can be looked for in it."""
    return "|".join(f" {' '.join(words(line))} " for line in text.splitlines())


@lru_cache(maxsize=1 << 12)
def keys(text: str) -> tuple[str, ...]:
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


def _within(cell: str) -> Iterator[str]:
    """The addresses in a cell that holds more than one, or something around it."""
    if not cell.isascii() or not _PLAIN_ADDRESS.fullmatch(cell):
        for found in _WITHIN.finditer(cell):
            yield re.sub("@+", "@", found[0])


def _later(found: Sequence[str]) -> Iterator[str]:
    """Each part before the @, and what is left of it where an address may begin within: "u=bo" -> "u=bo", "bo"."""
    for local in found:
        yield local
        yield from (local[gap.end() :] for gap in _BEGIN_WITHIN.finditer(local))


def _shorter(found: Sequence[str]) -> Iterator[str]:
    """Each domain, and what is left of it where a sentence may begin within: "example.org.Please" -> "example.org"."""
    for domain in found:
        yield domain
        yield from (domain[: gap.start()] for gap in reversed(list(_END_WITHIN.finditer(domain))) if gap.start())


@lru_cache(maxsize=1 << 12)
def _unhidden(token: str) -> str:
    """What a token says where it is text in base64, "" where it is not."""
    bare = token.rstrip("=")
    try:
        octets = (urlsafe_b64decode if "-" in bare or "_" in bare else b64decode)(bare + "=" * (-len(bare) % 4))
        text = octets.decode("utf-8")
    except ValueError:
        return ""
    return text if text.isprintable() else ""

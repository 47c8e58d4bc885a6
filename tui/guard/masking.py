"""What differs from one recipient's text to the next, taken out of it: the rest is the same in all, and is known.

An address, a reference or the recipient's name is taken out only where it cannot be a piece of anything else: it stands
between spaces or brackets, nothing goes over from another line, and in the rest of its line there is nothing of an
address, said, spelled or encoded. Then nothing can go over the joint, and each of the pieces is searched by itself as
thoroughly as the whole would be.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import NamedTuple

from tui.guard.addresses import may_join
from tui.guard.spelling import may_have_codes

_STAND_IN = "qzxjq"  # no word of any language, too short to be anything encoded
# What our UIDs, Message-IDs and references are: digits, with our domain or without.
_REFERENCE = re.compile(r"[0-9a-f]{32,64}(?:@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+)?(?![^\s>\")])")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*@[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)+")
_UID = re.compile(r"^UID:", re.MULTILINE)
_BEFORE, _AFTER = frozenset(' \t\r\n<>"(:'), frozenset(' \t\r\n>")')
_BEFORE_A_NAME, _AFTER_A_NAME = _BEFORE | frozenset("=,"), _AFTER | frozenset("<,!:;")
_TELLING = re.compile(r"[^\x00-\x7f]|[@%&\\]|=(?:[0-9A-Fa-f]{2}|\?|[ \t]*$)")
_LABEL = re.compile(r"\.([A-Za-z0-9-]+)")
_WORDS = re.compile(r"[^\W_]{1,19}(?:[ '-][^\W_]{1,19})*")
_CODE = re.compile(r"(?:0x)?[0-9A-Fa-f]{1,3}")
_OPENING, _CLOSING = ' \t>|*<"(:', ' \t\r>")'
_PROPERTY = re.compile(r"[A-Z][A-Z-]*[;:]")  # where a content line begins, nothing goes on from the one before


class Masked(NamedTuple):
    """A text without what is its recipient's alone: the `rest`, the pieces that were `taken` out, and the `lines` of
    the text in which they stood."""

    rest: str
    taken: tuple[str, ...]
    lines: tuple[str, ...]


def masked(text: str, names: Iterable[str], endings: AbstractSet[str]) -> Masked | None:
    """`names` are the recipient's own: what they are called, and their address. None where there is nothing to take
    out, or where the text has to be searched as it is."""
    spans = sorted({*_references(text), *(span for name in names for span in _named(text, name))})
    if not spans or any(begin < end for (_, end), (begin, _) in itertools.pairwise(spans)):
        return None
    pieces: list[str] = []
    done = 0
    for begin, end in spans:
        pieces += [text[done:begin], _STAND_IN]
        done = end
    rest = "".join((*pieces, text[done:]))
    lines = dict.fromkeys(_line_around(text, begin, end) for begin, end in spans)
    quiet = dict.fromkeys(line for line in rest.splitlines() if _STAND_IN in line)
    if not all(_is_quiet(line, endings) for line in quiet):
        return None
    return Masked(rest, tuple(dict.fromkeys(text[begin:end] for begin, end in spans)), tuple(lines))


def _references(text: str) -> Iterator[tuple[int, int]]:
    """Where a reference stands: at the beginning of a header, or in the UID of a calendar."""
    uid = _UID.search(text)
    begin = uid.end() if uid else 1 if text.startswith("<") else 0
    found = _REFERENCE.match(text, begin)
    if found and _is_alone(text, *found.span()):
        yield found.span()


def _named(text: str, name: str) -> Iterator[tuple[int, int]]:
    """Where a name or an address stands by itself."""
    at = text.find(name) if name else -1
    if at < 0:
        return
    is_address = "@" in name
    if not (is_plain_address(name) if is_address else _can_stand_alone(name)):
        return
    before, after = (_BEFORE, _AFTER) if is_address else (_BEFORE_A_NAME, _AFTER_A_NAME)
    while at >= 0:
        end = at + len(name)
        if _is_apart(text, at, end, before, after) and (not is_address or _is_alone(text, at, end)):
            yield at, end
        at = text.find(name, end)


def _is_apart(text: str, begin: int, end: int, before: AbstractSet[str], after: AbstractSet[str]) -> bool:
    return (not begin or text[begin - 1] in before) and (end == len(text) or text[end] in after)


def _is_alone(text: str, begin: int, end: int) -> bool:
    """Whether an address cannot go on in the line after it, nor have begun in the one before."""
    first, last = text.rfind("\n", 0, begin) + 1, text.find("\n", end)
    if last >= 0 and not text[end:last].strip(_CLOSING) and not _PROPERTY.match(text, last + 1):
        return False
    return not first or bool(text[first:begin].strip(_OPENING))


def _line_around(text: str, begin: int, end: int) -> str:
    last = text.find("\n", end)
    return text[text.rfind("\n", 0, begin) + 1 : last if last >= 0 else len(text)]


def is_plain_address(text: str) -> bool:
    """Whether it is an address in which nothing parts one word from the next but full stops."""
    return _PLAIN_ADDRESS.fullmatch(text) is not None and "AT" not in text


def is_reference(text: str) -> bool:
    return _REFERENCE.fullmatch(text) is not None


@lru_cache(maxsize=1 << 10)
def _is_quiet(rest: str, endings: AbstractSet[str]) -> bool:
    """Whether nothing in the rest of a line could be half of an address."""
    if _TELLING.search(rest) or may_join(rest) or may_have_codes(rest):
        return False
    return all(endings.isdisjoint({label.lower(), *label.lower().split("-")}) for label in _LABEL.findall(rest))


@lru_cache(maxsize=256)
def _can_stand_alone(name: str) -> bool:
    """Whether a name is words and nothing more, none of which could be part of a row of codes, or say an at."""
    if len(name) < 3 or not _WORDS.fullmatch(name) or not _WORDS.fullmatch(unicodedata.normalize("NFKC", name)):
        return False
    return not any(_CODE.fullmatch(word) for word in re.split("[ '-]", name)) and not may_join(f" {name} ")

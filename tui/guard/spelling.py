"""All that a text may spell to a reader, a program, or somebody who knows how it was hidden.

Each decoding is tried on what the others have made, until nothing new comes of it: a link in base64 in a comment in an
entity is read to the end. What is encoded more often than anybody would by accident is refused (`TooDeep`).
"""

import html
import re
import unicodedata
from binascii import a2b_base64, a2b_hex
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from urllib.parse import unquote

_DEPTH = 8
_GROWTH = 40  # times the length of the text itself, and
_ROOM = 200_000  # so many characters more, are looked at in all its readings

# Nothing that is spelled differently than it is meant goes without one of these. Most lines have none, and are done.
_ENCODED = re.compile(
    r"[^\x00-\x7f]|[&%\\<]|=(?:[0-9A-Fa-f]{2}|\?|[ \t]*\r?\n)|[A-Za-z0-9+/_-]{8}"
    r"|(?:(?:0x)?[0-9A-Fa-f]{2,3}[\s:,;.-]{1,2}){4}"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
# Letters of other scripts that are drawn as Latin ones, and signs that are drawn as an @ or a full stop.
_TWINS = str.maketrans(
    "аеорсухіјѕԁһӏԛԝкαορνικυοոսցօհıɡɑвмнтгьпτωηγχℯ∂\u2027\u30fb\u2022\xb7\u16eb\u2e31",
    "aeopcyxijsdhlqwkaopvikuonugohigabmhtrbntwnyxed......",
)

TAG = re.compile(r"<!--.*?-->|<[!/?A-Za-z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>|<[!/?A-Za-z][^<>]*>", re.DOTALL)
_HIDING = r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity|max-height)\s*:\s*0(?![.\d])"
_HIDDEN = re.compile(
    rf"<(style|script|template|title|noscript)\b.*?</\1\s*>"
    rf"|<(\w+)\b[^<>]*(?:{_HIDING}|mso-hide|\shidden\b)[^<>]*>(?:(?!<\2\b).)*?</\2\s*>",
    re.DOTALL | re.IGNORECASE,
)

_HIDING_TAG = re.compile(
    rf"<(style|script|template|title|noscript)\b|<(\w+)\b[^<>]*(?:{_HIDING}|mso-hide|\shidden\b)[^<>]*(?<!/)>",
    re.IGNORECASE,
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_BEGUN_TAG = re.compile(r"<[!/?A-Za-z]")
_OF_HIDING = (
    *("hid", "display", "visib", "font-size", "opacity", "max-height"),
    *("<style", "<script", "<template", "<title", "<noscript"),
)

_OCTET = re.compile(r"=([0-9A-Fa-f]{2})")
_SOFT_BREAK = re.compile(r"=[ \t]*\r?\n")
_WORD = re.compile(r"=\?[^?\s]+\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")
# \u0040, \u{40} and \x40 of programs, \000040 of style sheets.
_ESCAPE = re.compile(
    r"\\u\{([0-9A-Fa-f]{1,6})\}|\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\x([0-9A-Fa-f]{2})|\\([0-9A-Fa-f]{2,6})\s?"
)
_QUOTED_MARKUP = re.compile(r"\"([^\"<]*<[^\"]*)\"|'([^'<]*<[^']*)'")
_COMMENTED = re.compile(r"<!--(.*?)-->", re.DOTALL)
_CELLS = re.compile(r"</t[dh]\s*>\s*<t[dh][^<>]*>", re.IGNORECASE)
_UNICODE_PERCENT = re.compile(r"%u([0-9A-Fa-f]{4})")
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{8,}")
# From the beginning of a token on: a long one would be tried from each of its letters.
_BROKEN_TOKEN = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{20,}=*\r?\n[ \t>]*)+[A-Za-z0-9+/_-]+")
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]{10,}")
_NO_BASE32 = re.compile(r"[^A-Za-z2-7]")
_NO_BASE32_DIGIT = re.compile(rb"[0189]")
_NO_HEX = re.compile(r"[^0-9A-Fa-f]")
# A list of codes: 62 6f 40, 0x62,0x6f,0x40, 62:6f:40, or 98,111,64.
_CODES = re.compile(r"(?:(?:0x)?[0-9A-Fa-f]{2,3}[\s:,;.-]{1,2}){4,}(?:0x)?[0-9A-Fa-f]{2,3}")
_ROW_OF_CODES = re.compile(  # three of them: it begins with a set, and is found faster
    r"[0-9A-Fa-f]{2}[\s:,;.-]{1,2}(?:0x)?[0-9A-Fa-f]{2,3}[\s:,;.-]{1,2}(?:0x)?[0-9A-Fa-f]{2}"
)
# Noise fails it in the first octets; an exception for each piece of noise costs more than all the rest.
_UTF8 = re.compile(rb"(?:[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+")
_TELLING = frozenset(b"@%&=")
_PRINTABLE = re.compile(rb"[ -~\t\r\n]{5,}")


class TooDeep(Exception):
    """A text is encoded more often than we follow."""


def readings(text: str) -> tuple[str, ...]:
    """The text as it stands, and all that can be decoded of it. TooDeep where there is no end of it."""
    if not _ENCODED.search(text):
        return (text,)
    found = {text: None}
    new = [text]
    room = _GROWTH * len(text) + _ROOM
    for _ in range(_DEPTH):
        made = [reading for one in new for reading in _decoded(one) if reading]
        new = [reading for reading in dict.fromkeys(made) if reading not in found]
        if not new:
            return tuple(found)
        found.update(dict.fromkeys(new))
        room -= sum(map(len, new))
        if room < 0:
            break
    raise TooDeep


def plain(text: str) -> str:
    """The text in the letters that it is meant in: one width, one form, nothing invisible."""
    if text.isascii():
        return text
    # The full stops of Chinese and Japanese part the labels of a domain as well (RFC 3490 §3.1).
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).replace("\u3002", ".")


def without_twins(text: str) -> str:
    """The text in small letters, those of other scripts as the Latin ones that they look like."""
    return text.casefold().translate(_TWINS)


def unclosed(line: str) -> str:
    """What a line must be read on to, in small letters, because a tag, a comment or a hidden element is open at its
    end; "" where none is."""
    if "<" not in line:
        return ""
    rest = line
    if may_hide(line):
        rest = _HIDDEN.sub("", line)
        if begun := _HIDING_TAG.search(rest):
            name = (begun[1] or begun[2]).lower()
            if name not in _VOID:
                return f"</{name}"
    rest = TAG.sub("", rest)
    if "<!--" in rest:
        return "-->"
    return ">" if _BEGUN_TAG.search(rest) else ""


def may_hide(text: str) -> bool:
    """Whether there is anything in a page that elements are hidden with."""
    small = text.lower()
    return any(word in small for word in _OF_HIDING)


def _decoded(text: str) -> Iterator[str]:
    """One step further, in every direction."""
    is_ascii = text.isascii()
    settled = plain(text)
    if "&" in settled:
        settled = html.unescape(settled)
    if "%" in settled:
        settled = unquote(_UNICODE_PERCENT.sub(_character, settled))
    if settled != text:
        yield settled
    if not is_ascii:
        yield without_twins(settled)
    if "<" in text:
        yield TAG.sub("", text)
        if ("'" in text or '"' in text) and (quoted := _QUOTED_MARKUP.findall(text)):
            yield "\n".join(chain.from_iterable(quoted))
        if "<!--" in text:
            yield "\n".join(_COMMENTED.findall(text))
        if _CELLS.search(text):
            yield TAG.sub("", _CELLS.sub("|", text))
        if may_hide(text):
            yield TAG.sub("", without_hidden(text))
    if "\\" in text:
        yield text.replace("\\", "")
        yield _ESCAPE.sub(_character, text)
    if "=" in text:
        if "=?" in text:
            yield _WORD.sub(_word, _BETWEEN_WORDS.sub(r"\1", text))
        yield _quoted_printable(text)
    tokens = _TOKEN.findall(text)
    if "\n" in text:
        tokens += map(_unbroken, _BROKEN_TOKEN.findall(text))
    hidden = [said for token in tokens for said in _within(token)]
    if has_row_of_codes(text):
        hidden += [said for codes in _CODES.findall(text) for said in _from_codes(codes)]
    if hidden:
        yield "\n".join(hidden)


def hidden_in(text: str) -> Iterator[str]:
    """What the letters and digits in a text say where they are text in base64, base32 or hexadecimal digits."""
    return (said for token in _TOKEN.findall(text) for said in _within(token))


def is_noise(text: str) -> bool:
    """Whether no row of letters and digits in a text says anything that way."""
    return not any(map(_within, _TOKEN.findall(text)))


def are_noise(references: Sequence[bytes]) -> bool:
    """Whether hexadecimal digits, lower ones and an even number each, say nothing in any way in which they are text."""
    octets = a2b_hex(b"".join(references))
    runs = _PRINTABLE.findall(octets)
    # One that is shorter than half of the shortest is noise in each of them.
    if b"\0" in octets or (runs and (len(runs) > 1 or len(runs[0]) > 7 or not _TELLING.isdisjoint(runs[0]))):
        return not any(may_be_base32(one) or any(hex_in(one)) for one in (one.decode("ascii") for one in references))
    end, are_so = 0, True
    for digits in references:
        begin, end = end, end + len(digits) // 2
        are_so = are_so and _NO_BASE32_DIGIT.search(digits) is not None and not _UTF8.fullmatch(octets, begin, end)
    return are_so


def in_octets(text: str) -> str:
    """A text in which what quoted-printable would read as octets is."""
    return _OCTET.sub(lambda found: chr(int(found[1], 16)), text)


def is_only_itself(token: str) -> bool:
    """Whether the base64 of a text says nothing but that text."""
    return not _digits_say(token, 1)


def hex_in(digits: str) -> Iterable[str]:
    """What hexadecimal digits say where they are text."""
    if len(digits) % 2 == 0:
        octets = bytes.fromhex(digits)
        if b"\0" not in octets and not _PRINTABLE.search(octets) and not _UTF8.fullmatch(octets):
            return ()
    return _from_hex(digits)


def may_be_base32(digits: str) -> bool:
    return not _NO_BASE32.search(digits)


def _character(found: re.Match[str]) -> str:
    code = int(next(filter(None, found.groups())), 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _word(found: re.Match[str]) -> str:
    if found[1] in "bB":
        return "\n".join(_from_base64(found[2].rstrip("="))) or found[0]
    return _quoted_printable(found[2].replace("_", " "))


def _quoted_printable(text: str) -> str:
    text = _SOFT_BREAK.sub("", text)
    if not _OCTET.search(text):
        return text
    octets = _OCTET.sub(lambda found: chr(int(found[1], 16)), text)
    try:
        return octets.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return octets


def _digits_say(token: str, first: int = 0) -> tuple[str, ...]:
    """What a token says where it is text in base64 that begins in it, at its `first` digit or later; or in base32 or
    hexadecimal digits."""
    found = _from_base64(token, first)
    # What is a digit of base64 between these is a separator in a link.
    for piece in (token,) if token.isalnum() else _ALPHANUMERIC.findall(token):
        if len(piece) >= 10 and not _NO_BASE32.search(piece):
            found += _from_base32(piece.upper())
        if len(piece) >= 12 and not _NO_HEX.search(piece):
            found += _from_hex(piece)
    return tuple(found)


_within = lru_cache(maxsize=1 << 12)(_digits_say)


def _from_base64(token: str, first: int = 0) -> list[str]:
    """It may begin anywhere: a slash or a hyphen before it is a digit too."""
    bare = token.replace("-", "+").replace("_", "/")
    found: list[str] = []
    for begin in range(first, 4):
        piece = bare[begin:]
        end = len(piece) & ~3 if len(piece) % 4 == 1 else len(piece)
        octets = a2b_base64(piece[:end] + "=" * (-end % 4))
        # Most of it is noise, and no more is asked of that.
        if b"\0" in octets or _PRINTABLE.search(octets) or _UTF8.fullmatch(octets):
            found += _as_text(octets)
    return found


def _from_base32(token: str) -> Iterator[str]:
    piece = token[: len(token) - (len(token) % 8 in (1, 3, 6))]
    bits = 5 * len(piece)
    yield from _as_text((int(piece.translate(_BASE32), 32) >> bits % 8).to_bytes(bits // 8, "big"))


def _from_hex(digits: str) -> Iterator[str]:
    """Where there is one digit too many, it is the first or the last."""
    for piece in {digits[: len(digits) & ~1], digits[len(digits) & 1 :]}:
        yield from _as_text(bytes.fromhex(piece))


def _from_codes(codes: str) -> Iterator[str]:
    """Numbers in a row, hexadecimal or decimal."""
    numbers = re.findall(r"(?:0x)?([0-9A-Fa-f]+)", codes)
    for base in (16, 10):
        digits = numbers if base == 16 else filter(str.isdecimal, numbers)
        yield from _as_text(bytes(code for code in (int(number, base) for number in digits) if code < 256))


def groups_of_codes(text: str) -> int:
    """How many groups of two or three hexadecimal digits there are in it: five in a row may say something."""
    groups = text.lower().translate(_SEPARATORS).replace(" 0x", " ").split(" ")
    return sum([len(group) in (2, 3) and not group.strip("0123456789abcdef") for group in groups])


def has_row_of_codes(text: str) -> bool:
    """Whether there are three such groups in a row."""
    return _ROW_OF_CODES.search(text) is not None


def without_hidden(page: str) -> str:
    """A page without the elements in it that are hidden."""
    return _HIDDEN.sub("", page) if may_hide(page) else page


def _unbroken(block: str) -> str:
    return "".join(_TOKEN_PART.findall(block))


def _as_text(octets: bytes) -> tuple[str, ...]:
    """The text that octets are, or stretches of it among others; nothing where they are noise."""
    if b"\0" in octets:
        octets = octets.replace(b"\0", b"")  # ASCII in UTF-16 is ASCII without them
    if not octets.isascii() and _UTF8.fullmatch(octets):
        text = octets.decode("utf-8", "replace")
        if text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable() and len(text) > 3:
            return (text,)
    found = _PRINTABLE.findall(octets)
    if not found:
        return ()
    # Of noise, a twentieth is printable for five characters by chance, and next to nothing for twelve.
    is_text = 2 * sum(map(len, found)) >= len(octets)
    return tuple(run.decode("ascii") for run in found if is_text or len(run) >= 12 or not _TELLING.isdisjoint(run))


def backwards(text: str, endings: Iterable[str]) -> Iterator[str]:
    """A text that is shown from the right to the left, and one in the cipher of forums, where an address that ends in
    one of `endings` may stand in it so."""
    small = text.lower()
    turned, rotated = _turned(frozenset(endings))
    if not text.isascii() or any(ending in small for ending in turned):
        yield text[::-1]
    if any(ending in small for ending in rotated):
        yield text.translate(_ROT13)


def misreadings(ending: str) -> tuple[str, str]:
    """The ending of a domain ("org") from the other side, and in the cipher."""
    return ending[::-1], ending.translate(_ROT13)


@lru_cache(maxsize=8)
def _turned(endings: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What ".org" looks like from the other side ("gro."), and in the cipher (".bet")."""
    return tuple(f"{ending[::-1]}." for ending in endings), tuple(f".{ending.translate(_ROT13)}" for ending in endings)


# Complete tables, because what is missing from one costs more than all the rest.
_SEPARATORS = {code: " " if chr(code) in "\t\n\r:,;.-" else chr(code) for code in range(128)}
_BASE32 = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv")
_ROT13 = {
    code: chr((code - base + 13) % 26 + base) if (base := code & 96 | 1) and chr(code).isalpha() else chr(code)
    for code in range(128)
}
_TOKEN_PART = re.compile(r"[A-Za-z0-9+/_-]+")

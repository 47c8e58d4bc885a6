"""Plain text in any usual encoding, content lines, and the files that text carries in `data:` URIs."""

import binascii
import codecs
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from tui.contents.findings import Finding, Place

# A file with other control characters is no text; line and page feeds, tabs and escapes are in honest ones.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
# Bytes alone do not say which of these it is, so all that fit are read; an address reads alike in most.
_OTHERS = (
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "mac_roman",
    "cp850",
    "shift_jis",
    "euc_jp",
    "gb18030",
    "big5",
)
_DATA_URI = re.compile(r"data:([\w.+/-]*(?:;[\w.+=\"-]+)*),([^\s\"'<>)\\]*)", re.IGNORECASE)
_FAR = re.compile(r"[^\t-\u05ff\u2000-\u22ff]")
_FOLD = re.compile(r"\r?\n[ \t]")
_PACKED_LINE = re.compile(
    r"^([\w.-]+);(?:[^:\r\n]*;)?ENCODING=\"?(B|BASE64|Q|QUOTED-PRINTABLE)\b[^:\r\n]*:(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_SOFT_BREAK = re.compile(r"=\r?\n")


def readings(content: bytes) -> tuple[str, ...]:
    """The text that a file is: one reading, several where its encoding cannot be known, none where it is no text."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _sound([decoded(content, encoding)])
    if b"\0" in content:
        # Almost any bytes are UTF-16 of some script; without a mark it counts only where it reads as a European one.
        wide = [decoded(content, encoding) for encoding in _WIDE]
        return _sound([text for text in wide if text and len(_FAR.findall(text)) <= len(text) // 10])[:1]
    as_utf8 = decoded(content, "utf-8")
    if as_utf8 is not None:
        more = []
        if b"+A" in content:
            more.append(decoded(content, "utf-7"))
        if b"\x1b$" in content:
            more.append(decoded(content, "iso2022_jp"))
        return _sound([as_utf8, *more])
    return _sound([decoded(content, encoding) for encoding in _OTHERS])


def decoded(content: bytes, encoding: str) -> str | None:
    """The content in an encoding that somebody names, None where it is not that."""
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError, ValueError):
        return None


def as_text(content: bytes) -> str:
    """The content, by the first reading that fits; what fits none is read byte by byte."""
    return next(iter(readings(content)), "") or content.decode("latin-1")


def read(place: Place, _name: str, content: bytes) -> Iterator[Finding]:
    for found in readings(content):
        yield from say(place, found)


def say(place: Place, found: str) -> Iterator[Finding]:
    """A text, and what it carries."""
    if "BEGIN:V" in found.upper():
        yield from place.says(found, "calendar")
        yield from _packed_lines(place, found)
    else:
        yield from place.says(found)
    yield from carried(place, found)


def carried(place: Place, found: str) -> Iterator[Finding]:
    """The files in a text's `data:` URIs (RFC 2397)."""
    plain = html.unescape(found) if "&" in found else found
    for number, match in enumerate(_DATA_URI.finditer(plain), 1):
        content = unquote_to_bytes(match[2])
        if ";base64" in match[1].lower():
            content = lenient_base64(content)
        place.work.spend(len(content))
        yield from place.inside(f"data URI {number}", content)


def lenient_base64(content: bytes) -> bytes:
    """What base64 says, whatever stands between its characters and however it ends."""
    digits = re.sub(rb"[^A-Za-z0-9+/]", b"", content.replace(b"-", b"+").replace(b"_", b"/"))
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _packed_lines(place: Place, found: str) -> Iterator[Finding]:
    """Content lines in base64 (ATTACH, PHOTO) and, in vCard 2.1, in quoted-printable."""
    if "ENCODING" not in found.upper():
        return
    for name, encoding, value in _PACKED_LINE.findall(_SOFT_BREAK.sub("", found)):
        if encoding.upper().startswith("Q"):
            yield from place.at(name).says(as_text(binascii.a2b_qp(value.encode("utf-8"))))
    for name, encoding, value in _PACKED_LINE.findall(_FOLD.sub("", found)):
        if encoding.upper().startswith("B"):
            content = lenient_base64(value.encode("utf-8"))
            place.work.spend(len(content))
            yield from place.inside(name, content)


def _sound(found: "list[str | None]") -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in found if text is not None and not _CONTROL.search(text)))

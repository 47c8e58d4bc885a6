"""A message's bytes, read as a stranger's mail program would: headers, parts, decoded content.

It shares no code with the composer and accepts only what it fully understands, because two mail programs may read the
rest in two ways: anything else is Unreadable, and an unreadable message is not cleared.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise

_FOLD = re.compile(rb"\r\n(?=[ \t])")
_CALENDAR_FOLD = re.compile(r"\r?\n[ \t]")
_HEADER = re.compile(rb"([!-9;-~]+):[ \t]?(.*)", re.DOTALL)
_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=)\s+(?==\?)")
_KIND = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")
_PARAMETER = re.compile(r"\s*;\s*([A-Za-z-]+\*?)=(\"(?:[^\"\\]|\\.)*\"|[^\s;\"\\()]+)")
_MULTIPARTS = ("multipart/mixed", "multipart/alternative", "multipart/related")
_PLACES = {"text/plain": "text", "text/html": "html", "text/calendar": "calendar"}
_AS_IT_STANDS = ("7bit", "8bit")
_PADDING = re.compile(rb"[ \t]+(?=\r\n|\Z)")


class Unreadable(Exception):
    """The bytes are no message that we understand: `where`, and what is wrong."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(what)
        self.where, self.what = where, what


@dataclass(frozen=True, slots=True)
class Header:
    """One header field: its bytes unfolded, its name as spelt, its value, and the value with encoded words decoded."""

    line: bytes
    name: str
    raw: str
    value: str


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above a body: its bytes and what they say; `names` are all the file names given, decoded."""

    lines: bytes
    headers: tuple[Header, ...]
    kind: str = "text/plain"
    parameters: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    encoding: str = "7bit"

    @property
    def where(self) -> str:
        """The part below as leaks name it (contract §4, `audit`)."""
        return self.names[0] if self.names else _PLACES.get(self.kind, self.kind)


@dataclass(frozen=True, eq=False)
class Part:
    """One leaf of the message: its head, its body as it stands in the message, and at which octet of it."""

    head: Head
    body: bytes
    at: int

    @property
    def is_file(self) -> bool:
        return bool(self.head.names)

    @property
    def where(self) -> str:
        return self.head.where

    def content(self) -> bytes:
        """The body, decoded."""
        if self.head.encoding == "base64":
            try:
                return base64.b64decode(self.body.replace(b"\r\n", b""), validate=True)
            except (binascii.Error, ValueError):
                raise Unreadable(self.where, "base64 that cannot be decoded") from None
        if self.head.encoding == "quoted-printable":
            return out_of_printable(self.body)
        return self.body

    @cached_property
    def text(self) -> str:
        """The content of a body that is text."""
        try:
            return self.content().decode("utf-8")
        except UnicodeDecodeError:
            raise Unreadable(self.where, "text that is not UTF-8") from None


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole message: its own headers, what stands above its parts (multiparts too), its leaves, and what no reader
    shows.

    `between` are the bytes before, between and after the parts.
    """

    headers: tuple[Header, ...]
    heads: tuple[Head, ...]
    parts: tuple[Part, ...]
    between: bytes


def read(raw: bytes) -> Reading:
    """The message in `raw` (CRLF line ends). Unreadable where it is none."""
    if not raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n") or b"\0" in raw:
        # Where a line ends is where headers, parts and, on the wire, messages begin.
        raise Unreadable("message", "a bare carriage return, line feed or NUL")
    above, blank, body = raw.partition(b"\r\n\r\n")
    if not blank:
        raise Unreadable("headers", "there is no empty line after the headers")
    head = _head(above)
    inside = _Inside()
    inside.read(head, body, len(above) + len(blank), depth=4)
    return Reading(head.headers, tuple(inside.heads), tuple(inside.parts), bytes(inside.between))


def out_of_printable(body: bytes) -> bytes:
    """What a body in quoted-printable holds."""
    # What a relay has added at the end of a line is no part of it (RFC 2045 §6.7, rule 3).
    has_padding = b" \r\n" in body or b"\t\r\n" in body or body[-1:] in (b" ", b"\t")
    return binascii.a2b_qp(_PADDING.sub(b"", body) if has_padding else body)


def in_printable(line: bytes) -> bytes:
    """A line in quoted-printable, broken where it is longer than 76 (RFC 2045 §6.7, rule 5)."""
    encoded = binascii.b2a_qp(line, istext=False)
    return encoded.replace(b"=\n", b"=\r\n") if b"\n" in encoded else encoded


def decode_words(text: str) -> str:
    """RFC 2047 encoded words decoded, the space between two of them gone (§6.2)."""
    if "=?" not in text:
        return text
    if "=?" in _WORD.sub("", text):
        raise Unreadable("headers", "an encoded word that some programs would decode and others not")
    return _WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1", text))


def unfolded(calendar: str) -> str:
    """A calendar object with each content line on one line (RFC 5545 §3.1)."""
    if calendar.count("\n") == calendar.count("\r\n"):
        return calendar.replace("\r\n ", "").replace("\r\n\t", "")
    return _CALENDAR_FOLD.sub("", calendar)


def broken(text: str, value: str, fold: str = "\r\n ") -> Iterator[str]:
    """The pieces of `value` as they stand in the lines of a text, where one of those is folded in the middle of it."""
    lines = text.split(fold)
    whole, ends = "".join(lines), list(accumulate(map(len, lines)))
    begin = whole.find(value)
    while begin >= 0:
        end = begin + len(value)
        folds = [at for at in ends if begin < at < end]
        if folds:
            yield from (whole[one:other] for one, other in pairwise([begin, *folds, end]))
        begin = whole.find(value, end)


def unbroken(text: str, value: str, fold: str = "\r\n ") -> str:
    """A text, such as a calendar object, in which no line is folded in the middle of `value`."""
    if text.count(value) == text.replace(fold, "").count(value):
        return text
    beside = len(value) - 1
    first, *others = text.split(fold)
    made = [first]
    for piece, before in zip(others, (first, *others), strict=False):
        is_within = beside and value in before[-beside:] + piece[:beside]
        made += ("" if is_within else fold, piece)
    return "".join(made)


def _decode_word(found: re.Match[str]) -> str:
    charset, encoding, payload = found.groups()
    try:
        if encoding in "bB":
            octets = base64.b64decode(payload, validate=True)
        else:
            octets = quopri.decodestring(payload.replace("_", " ").encode("ascii"))
        return octets.decode(_charset("headers", charset.partition("*")[0]))
    except ValueError as error:
        raise Unreadable("headers", f"an encoded word that cannot be decoded ({error})") from None


def _charset(where: str, name: str) -> str:
    """Python knows encodings that no mail program does, and would read something else than the program shows."""
    if name.lower() not in ("utf-8", "us-ascii"):
        raise Unreadable(where, f"the character set {name}")
    return name


def _head(lines: bytes) -> Head:
    headers = [_header(line) for line in _FOLD.sub(b"", lines).split(b"\r\n")]
    kind, parameters = _with_parameters(headers, "content-type", "text/plain")
    disposition, more = _with_parameters(headers, "content-disposition", "inline")
    encoding, _ = _with_parameters(headers, "content-transfer-encoding", "7bit")
    if not _KIND.fullmatch(kind) or kind.startswith("message/") or disposition not in ("inline", "attachment"):
        raise Unreadable("headers", f"a part of a kind that is not ours ({kind}, {disposition})")
    if encoding not in (*_AS_IT_STANDS, "quoted-printable", "base64"):
        raise Unreadable("headers", f"the transfer encoding {encoding}")
    if "charset" in parameters:
        _charset("headers", parameters["charset"])
    found_names = (more.get("filename*"), parameters.get("name*"), more.get("filename"), parameters.get("name"))
    names = (_extended(name) if at < 2 else decode_words(name) for at, name in enumerate(found_names) if name)
    return Head(lines, tuple(headers), kind, parameters, tuple(names), encoding)


# The heads of parts, and most headers, are the same in every message of a run.
_head_of_part = lru_cache(maxsize=256)(_head)


@lru_cache(maxsize=256)
def _header(line: bytes) -> Header:
    found = _HEADER.fullmatch(line)
    if not found:
        raise Unreadable("headers", "a line that is no header")
    try:
        text = found[2].decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("headers", "a header that is not UTF-8") from None
    return Header(line, found[1].decode("ascii"), text, decode_words(text))


def _with_parameters(headers: list[Header], name: str, default: str) -> tuple[str, Mapping[str, str]]:
    """A structured header's value and its parameters (RFC 2045 §5.1); `default` where there is none.

    Comments, doubled parameters and values in several pieces (RFC 2231 §3) are read differently by different programs.
    """
    found = tuple(header.raw for header in headers if header.name.lower() == name)
    return _parameters(name, found) if found else (default, {})


@lru_cache(maxsize=256)
def _parameters(name: str, found: tuple[str, ...]) -> tuple[str, Mapping[str, str]]:
    bare, mark, rest = found[0].partition(";")
    parameters: dict[str, str] = {}
    end = 0
    for match in _PARAMETER.finditer(mark + rest):
        if match.start() != end or match[1].lower() in parameters:
            break
        end = match.end()
        parameters[match[1].lower()] = re.sub(r"\\(.)", r"\1", match[2][1:-1]) if match[2][0] == '"' else match[2]
    if len(found) > 1 or (mark + rest)[end:].strip():
        raise Unreadable("headers", f"a {name} that can be read in two ways")
    return bare.strip().lower(), parameters


def _extended(value: str) -> str:
    """A file name in the notation of RFC 2231 §4."""
    charset, _, encoded = value.partition("'")
    octets = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), encoded.partition("'")[2].encode("utf-8")
    )
    try:
        return octets.decode(_charset("headers", charset or "utf-8"))
    except UnicodeDecodeError:
        raise Unreadable("headers", "a file name that cannot be decoded") from None


class _Inside:
    """What is found inside a message, in its order."""

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.parts: list[Part] = []
        self.between = bytearray()

    def read(self, head: Head, body: bytes, at: int, depth: int) -> None:
        """Reads a body that begins `at` so many octets of the message."""
        if not head.kind.startswith("multipart/"):
            self.parts.append(Part(head, body, at))
            return
        boundary = head.parameters.get("boundary")
        if not depth or not boundary or head.kind not in _MULTIPARTS or head.encoding not in _AS_IT_STANDS:
            raise Unreadable("headers", "a multipart of a kind that is not ours, or too many inside each other")
        pieces, between = _between_boundaries(body, boundary.encode("utf-8"))
        self.between += between
        for begin, piece in pieces:
            above, blank, rest = piece.partition(b"\r\n\r\n")
            if not blank or not above:
                raise Unreadable("headers", "a part without headers")
            inner = _head_of_part(above)
            self.heads.append(inner)
            self.read(inner, rest, at + begin + len(above) + len(blank), depth - 1)


def _between_boundaries(body: bytes, boundary: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The parts, each with where it begins, and what stands before the first and after the last (RFC 2046 §5.1.1)."""
    mark = b"\r\n--" + boundary
    pieces = (b"\r\n" + body).split(mark)
    preamble, epilogue = pieces[0], pieces[-1]
    if len(pieces) < 3 or not epilogue.startswith(b"--"):
        raise Unreadable("headers", "a multipart that is not closed")
    parts: list[tuple[int, bytes]] = []
    at = len(preamble) + len(mark)
    for piece in (*pieces[1:-1], epilogue[2:] or b"\r\n"):
        # By RFC 2046 a line that only begins with the boundary is one as well, and not all programs know.
        if not piece.startswith(b"\r\n"):
            raise Unreadable("headers", "a part after the last one, or a boundary that is not alone on its line")
        parts.append((at, piece[2:]))
        at += len(piece) + len(mark)
    return parts[:-1], preamble + b"\r\n" + epilogue[2:]

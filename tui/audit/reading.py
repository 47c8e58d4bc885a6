"""Bytes to headers and parts, for messages of any program and any quality.

Where the guard refuses what two mail programs might read in two ways, this reads it in all of them: what is judged here
was sent already. It never raises; what cannot be opened is said. Nothing in it is recursive without a limit, and no
pattern takes more than linear time.
"""

import binascii
import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

_DEPTH = 24  # multiparts and messages inside each other
_PARTS = 10_000  # of one message
_HEADER = re.compile(rb"([!-9;-~]{1,200})[ \t]*:(.*)", re.DOTALL)
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)[ \t\r\n]+(?==\?)")
_PARAMETER = re.compile(r";\s*([^=;\s\"]{1,80})\s*=\s*(\"(?:[^\"\\]|\\.)*\"?|[^;]*)")
_PIECE = re.compile(r"(.+?)(?:\*(\d{1,4}))?(\*?)")
_COMMENT = re.compile(r"\([^()]*\)")
_KIND = re.compile(r"\s*([a-z0-9.+_-]+/[a-z0-9.+_-]+)", re.IGNORECASE)
_NO_TEXT = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_BODIES = {"text/plain": "text", "text/html": "html", "text/calendar": "calendar", "application/ics": "calendar"}
_FORWARDED = "forwarded.eml"


@dataclass(frozen=True, slots=True)
class Header:
    """One header field: its name as spelt, its value unfolded, and the value with encoded words decoded."""

    name: str
    raw: str
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a message, or a whole message inside it (`inner`).

    `where` is the part as leaks name it: `text`, `html`, `calendar`, or its file name. `names` are all the file names
    that it is given; `content` is without its transfer encoding, as far as it can be decoded.
    """

    where: str
    kind: str
    names: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()
    content: bytes = b""
    charset: str = ""
    is_file: bool = False
    inner: "Mail | None" = None

    def text(self) -> str:
        """The content as a mail program shows it; and as it stands too, where the charset may be a lie."""
        return as_text(self.content, self.charset)


@dataclass(frozen=True, slots=True)
class Mail:
    """A message. `between` is what stands around its parts; `unopened` are places and why they could not be read."""

    headers: tuple[Header, ...]
    parts: tuple[Part, ...]
    between: bytes = b""
    unopened: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> Iterator[Header]:
        """The headers of this name, in their order."""
        return (header for header in self.headers if header.name.lower() == name)

    def first(self, name: str) -> str:
        """The decoded value of the first header of this name, "" where there is none."""
        return next((" ".join(header.value.split()) for header in self.all(name)), "")


def read(raw: bytes) -> Mail:
    """The message in `raw`, whatever its line ends and its faults."""
    return _Reader().message(plain(raw), 0)


def plain(raw: bytes) -> bytes:
    """`raw` without byte order mark, in an encoding of which ASCII is a part, with line feeds where lines end."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if raw.startswith(mark):
            raw = raw[2:].decode(encoding, "replace").encode("utf-8", "replace")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    return raw if b"\n" in raw else raw.replace(b"\r", b"\n")


@dataclass(slots=True)
class _Head:
    """What stands above a body, understood."""

    headers: tuple[Header, ...]
    kind: str = "text/plain"
    parameters: Mapping[str, str] = field(default_factory=dict)
    disposition: str = ""
    names: tuple[str, ...] = ()
    encoding: str = ""

    @classmethod
    def of(cls, lines: list[bytes], default: str) -> "_Head":
        head = cls(tuple(_headers(lines)), default)
        more: dict[str, str] = {}
        for header in head.headers:
            name = header.name.lower()
            if name == "content-type" and not head.parameters:
                found = _KIND.match(header.raw)
                head.kind = found[1].lower() if found else default
                head.parameters = _parameters(header.raw)
            elif name == "content-disposition" and not head.disposition:
                head.disposition = header.raw.partition(";")[0].strip().lower()
                more = _parameters(header.raw)
            elif name == "content-transfer-encoding" and not head.encoding:
                head.encoding = _COMMENT.sub("", header.raw).strip().lower()
        found_names = (more.get("filename", ""), head.parameters.get("name", ""))
        head.names = tuple(dict.fromkeys(" ".join(name.split()) for name in found_names if name.strip()))
        return head


class _Reader:
    """One message, with all that is inside it."""

    def __init__(self) -> None:
        self._parts = 0

    def message(self, raw: bytes, depth: int) -> Mail:
        lines, body = _split(raw)
        head = _Head.of(lines, "text/plain")
        inside = _Inside()
        self._entity(head, body, inside, depth, "")
        return Mail(head.headers, tuple(inside.parts), bytes(inside.between), tuple(inside.unopened))

    def _entity(self, head: _Head, body: bytes, inside: "_Inside", depth: int, within: str) -> None:
        self._parts += 1
        where = _where(head, within)
        if depth > _DEPTH or self._parts > _PARTS:
            inside.unopened.append((where, "there are too many parts, or they are too deep inside each other"))
            return
        boundary = head.parameters.get("boundary", "")
        if head.kind.startswith("multipart/"):
            pieces = _pieces(body, boundary) or _pieces(decoded(body, head.encoding), boundary)
            if pieces:
                self._multipart(head, pieces, inside, depth)
                return
        if head.kind in ("message/rfc822", "message/global", "message/rfc822-headers", "text/rfc822-headers") or (
            head.names and head.names[0].lower().endswith(".eml")
        ):
            inner = self.message(plain(decoded(body, head.encoding).lstrip(b"\r\n")), depth + 1)
            name = head.names[0] if head.names else _FORWARDED
            inside.parts.append(Part(name, head.kind, head.names, _of_a_part(head, within), is_file=True, inner=inner))
            return
        if reason := _closed(head):
            inside.unopened.append((where, reason))
        charset = head.parameters.get("charset", "")
        headers = _of_a_part(head, within)
        is_file = where not in _BODIES.values()
        content = decoded(body, head.encoding)
        inside.parts.append(Part(where, head.kind, head.names, headers, content, charset, is_file))

    def _multipart(self, head: _Head, pieces: list[bytes], inside: "_Inside", depth: int) -> None:
        default = "message/rfc822" if head.kind == "multipart/digest" else "text/plain"
        if head.kind == "multipart/encrypted":
            inside.unopened.append((_where(head, ""), "it is encrypted"))
        inside.between += pieces[0]
        for piece in pieces[1:]:
            lines, rest = _split(piece)
            self._entity(_Head.of(lines, default), rest, inside, depth + 1, head.kind)


@dataclass(slots=True)
class _Inside:
    """What has been found in a message so far."""

    parts: list[Part] = field(default_factory=list)
    between: bytearray = field(default_factory=bytearray)
    unopened: list[tuple[str, str]] = field(default_factory=list)


def _of_a_part(head: _Head, within: str) -> tuple[Header, ...]:
    """The part's own headers; of a message that is one part they are the message's."""
    return head.headers if within else ()


def _where(head: _Head, within: str) -> str:
    """A part as leaks name it (contract §4, `audit`)."""
    body = _BODIES.get(head.kind)
    if body and (not head.names or (head.disposition != "attachment" and within == "multipart/alternative")):
        return body
    if body and not head.disposition:  # a name without a disposition is a title
        return body
    return head.names[0] if head.names else body or head.kind


def _closed(head: _Head) -> str:
    """Why nobody but the recipient's own program can open the part; "" where that is not so."""
    if head.kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return "it is encrypted, or signed in a way that hides it (S/MIME)"
    if head.kind in ("application/ms-tnef", "application/vnd.ms-tnef"):
        return "it is a winmail.dat, which Outlook alone can read"
    if head.kind in ("message/partial", "message/external-body"):
        return "it is only a reference to what is not in the file"
    return ""


def _split(raw: bytes) -> tuple[list[bytes], bytes]:
    """The header lines, unfolded, and the body: what follows the first empty line, or the first that is no header."""
    lines: list[bytes] = []
    at = 0
    while at < len(raw):
        end = raw.find(b"\n", at)
        stop = len(raw) if end < 0 else end + 1
        line = raw[at : stop if end < 0 else end].removesuffix(b"\r")
        if not line:
            return _unfolded(lines), raw[stop:]
        if (line[:1] in b" \t" and lines) or _HEADER.match(line):
            lines.append(line)
        elif lines or not line.startswith((b"From ", b">From ")):
            return _unfolded(lines), raw[at:]
        at = stop
    return _unfolded(lines), b""


def _unfolded(lines: list[bytes]) -> list[bytes]:
    fields: list[list[bytes]] = []
    for line in lines:
        if line[:1] in b" \t" and fields:
            fields[-1].append(line)
        else:
            fields.append([line])
    return [b"".join(pieces) for pieces in fields]


def _headers(lines: list[bytes]) -> Iterator[Header]:
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found:
            raw = _in_some_charset(found[2].replace(b"\0", b"")).strip()
            yield Header(found[1].decode("ascii"), raw, decode_words(raw))


def _pieces(body: bytes, boundary: str) -> list[bytes]:
    """What stands before the first delimiter, and then each part; [] where there is no delimiter.

    A part after the closing delimiter is one as well: some programs show it.
    """
    if not boundary.strip():
        return []
    delimiter = re.escape(boundary.rstrip().encode("utf-8", "replace"))
    pieces = re.split(rb"(?:\A|\r?\n)--%b(?:--)?[ \t]*(?=\r?\n|\Z)" % delimiter, body)
    if len(pieces) < 2:
        return []
    parts = [re.sub(rb"\A\r?\n", b"", piece) for piece in pieces[1:]]
    return [pieces[0], *(part for part in parts if part.strip())]


def _parameters(raw: str) -> dict[str, str]:
    """The parameters of a structured header, in the notation of RFC 2231 or with encoded words, as it comes."""
    pieces: dict[str, dict[int, str]] = {}
    extended: set[str] = set()
    for name, value in _PARAMETER.findall(raw):
        found = _PIECE.fullmatch(name.lower())
        if not found:
            continue
        text = value.strip()
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:].removesuffix('"'))
        if found[3]:
            extended.add(found[1])
        pieces.setdefault(found[1], {}).setdefault(int(found[2] or 0), text)
    joined = {name: "".join(text for _, text in sorted(some.items())) for name, some in pieces.items()}
    return {name: _extended(text) if name in extended else decode_words(text) for name, text in joined.items()}


def _extended(value: str) -> str:
    """A value in the notation of RFC 2231 §4."""
    charset, mark, rest = value.partition("'")
    encoded = rest.partition("'")[2] if mark else value
    return _in_charset(unquote_to_bytes(encoded), charset if mark else "utf-8")


def decode_words(text: str) -> str:
    """RFC 2047 encoded words decoded, adjacent ones of one charset as one; what is no good is left as it stands."""
    if "=?" not in text:
        return text
    out: list[str] = []
    octets, charset, end = b"", "", 0
    joined = _BETWEEN_WORDS.sub("", text)
    for found in _WORD.finditer(joined):
        if found.start() != end or found[1].lower() != charset:
            out.append(_in_charset(octets, charset))
            octets = b""
            out.append(joined[end : found.start()])
        charset, end = found[1].lower(), found.end()
        payload = found[3].encode("utf-8", "replace")
        octets += _base64(payload) if found[2] in "bB" else binascii.a2b_qp(payload, header=True)
    out.append(_in_charset(octets, charset))
    out.append(joined[end:])
    return "".join(out)


def decoded(body: bytes, encoding: str) -> bytes:
    """A body without its transfer encoding, as far as it can be decoded."""
    if encoding == "base64":
        return _base64(body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding in ("x-uuencode", "uuencode", "x-uue"):
        return b"".join(map(_uu, body.splitlines()))
    return body


def _base64(body: bytes) -> bytes:
    """What can be decoded, whatever stands between; padding in the middle ends one run and begins another."""
    out = bytearray()
    for run in re.sub(rb"[^A-Za-z0-9+/=]+", b"", body).split(b"="):
        whole = run[: len(run) - 1] if len(run) % 4 == 1 else run
        out += binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
    return bytes(out)


def _uu(line: bytes) -> bytes:
    try:
        return b"" if line.startswith((b"begin ", b"end")) else binascii.a2b_uu(line)
    except binascii.Error:
        return b""


def as_text(content: bytes, charset: str) -> str:
    """Text as a mail program shows it; and as it stands too, where it is in a charset that is not ASCII's."""
    text = _in_charset(content, charset)
    name = _codec(charset)
    if name.startswith(("utf-16", "utf-32", "utf-7", "cp037", "cp500", "hz", "iso2022")) or b"\0" in content:
        return f"{text}\n{content.replace(bytes(1), b'').decode('latin-1')}"
    return text


def _codec(charset: str) -> str:
    """Python's name for a charset of text, "" where it knows none."""
    try:
        name = codecs.lookup(charset.partition("*")[0].strip()).name
    except (LookupError, ValueError):
        return ""
    return "" if name in _NO_TEXT else name


def _in_charset(octets: bytes, charset: str) -> str:
    name = _codec(charset) if charset else ""
    if name:
        try:
            return octets.decode(name)
        except (LookupError, ValueError):
            pass
    return _in_some_charset(octets)


def _in_some_charset(octets: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return octets.decode(encoding)
        except UnicodeDecodeError:
            continue
    return octets.decode("latin-1")

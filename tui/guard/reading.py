"""A message's bytes, read as a stranger's mail program would: headers, parts, decoded content.

It shares no code with the composer and accepts only what it fully understands: anything else is Unreadable, and an
unreadable message is not cleared.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = re.compile(rb"([!-9;-~]+):[ \t]?(.*)", re.DOTALL)
_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=)\s+(?==\?)")
_PARAMETER = re.compile(r";\s*([\w!#$%&+.^`|~-]+\*?)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s;\"]+)")


class Unreadable(Exception):
    """The bytes are no message that we understand: `where`, and what is wrong."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(what)
        self.where, self.what = where, what


@dataclass(frozen=True, slots=True)
class Header:
    """One header field: its name as spelt, its value unfolded, and the value with encoded words decoded."""

    name: str
    raw: str
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of the message. `name` is the file name, or "" where it is a body; `content` is decoded."""

    headers: tuple[Header, ...]
    kind: str
    parameters: dict[str, str]
    name: str
    content: bytes

    @property
    def where(self) -> str:
        if self.name:
            return self.name
        return {"text/plain": "text", "text/html": "html", "text/calendar": "calendar"}.get(self.kind, self.kind)


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole message: its own headers, its leaves, and the bytes between the parts that no reader shows."""

    headers: tuple[Header, ...]
    parts: tuple[Part, ...]
    between: bytes


def read(raw: bytes, depth: int = 8) -> Reading:
    """The message in `raw` (CRLF line ends). Unreadable where it is none."""
    headers, body = _split(raw)
    parts, between = _parts(headers, body, depth)
    return Reading(headers, tuple(parts), between)


def decode_words(text: str) -> str:
    """RFC 2047 encoded words decoded, the space between two of them gone (§6.2)."""
    return _WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1", text)) if "=?" in text else text


def _decode_word(found: re.Match[str]) -> str:
    charset, encoding, payload = found.groups()
    try:
        if encoding in "bB":
            octets = base64.b64decode(payload, validate=True)
        else:
            octets = quopri.decodestring(payload.replace("_", " ").encode("ascii"))
        return octets.decode(charset.partition("*")[0])
    except (ValueError, LookupError) as error:
        raise Unreadable("headers", f"an encoded word that cannot be decoded ({error})") from None


def _split(raw: bytes) -> tuple[tuple[Header, ...], bytes]:
    head, blank, body = raw.partition(b"\r\n\r\n")
    if not blank:
        raise Unreadable("headers", "there is no empty line after the headers")
    headers = []
    for line in re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n"):
        found = _HEADER.fullmatch(line)
        if not found or re.search(rb"[\r\n\0]", line):
            raise Unreadable("headers", "a line that is no header")
        try:
            text = found.group(2).decode("utf-8")
        except UnicodeDecodeError:
            raise Unreadable("headers", "a header that is not UTF-8") from None
        headers.append(Header(found.group(1).decode("ascii"), text, decode_words(text)))
    return tuple(headers), body


def _parts(headers: tuple[Header, ...], body: bytes, depth: int) -> tuple[list[Part], bytes]:
    kind, parameters = _content_type(headers)
    if not kind.startswith("multipart/"):
        return [Part(headers, kind, parameters, _file_name(headers, parameters), _decoded(headers, body))], b""
    if not depth or not parameters.get("boundary"):
        raise Unreadable("headers", "a multipart without a boundary, or too many of them inside each other")
    inside, between = _between_boundaries(body, parameters["boundary"].encode("utf-8"))
    parts = []
    for piece in inside:
        # A part may have no headers at all: then it begins with the empty line.
        found, rest = _split(piece) if not piece.startswith(b"\r\n") else ((), piece[2:])
        deeper, more = _parts(found, rest, depth - 1)
        parts.extend(deeper)
        between += more
    return parts, between


def _between_boundaries(body: bytes, boundary: bytes) -> tuple[list[bytes], bytes]:
    delimiter = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r\n|\Z)")
    inside: list[bytes] = []
    preamble, begin, closed = b"", None, False
    for found in delimiter.finditer(body):
        if closed:
            raise Unreadable("headers", "a part after the last one")
        if begin is None:
            preamble = body[: found.start()]
        else:
            inside.append(body[begin : found.start()])
        begin, closed = min(found.end() + 2, len(body)), bool(found.group(1))
    if begin is None or not closed:
        raise Unreadable("headers", "a multipart that is not closed")
    return inside, preamble + b"\r\n" + body[begin:]


def _content_type(headers: tuple[Header, ...]) -> tuple[str, dict[str, str]]:
    found = [header.raw for header in headers if header.name.lower() == "content-type"]
    if len(found) > 1:
        raise Unreadable("headers", "two Content-Type headers")
    if not found:
        return "text/plain", {}
    return found[0].partition(";")[0].strip().lower(), _parameters(found[0])


def _parameters(value: str) -> dict[str, str]:
    found = {}
    for name, text in _PARAMETER.findall(value):
        bare = re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
        found[name.lower()] = bare
    return found


def _file_name(headers: tuple[Header, ...], parameters: dict[str, str]) -> str:
    said = next((_parameters(h.raw) for h in headers if h.name.lower() == "content-disposition"), {})
    plain = said.get("filename") or parameters.get("name")
    extended = said.get("filename*") or parameters.get("name*")
    if extended:
        charset, _, encoded = extended.partition("'")
        octets = re.sub(
            rb"%([0-9A-Fa-f]{2})",
            lambda found: bytes([int(found.group(1), 16)]),
            encoded.partition("'")[2].encode(),
        )
        try:
            return octets.decode(charset or "utf-8")
        except (LookupError, UnicodeDecodeError):
            raise Unreadable("headers", "a file name that cannot be decoded") from None
    return decode_words(plain) if plain else ""


def _decoded(headers: tuple[Header, ...], body: bytes) -> bytes:
    said = [h.raw.strip().lower() for h in headers if h.name.lower() == "content-transfer-encoding"]
    encoding = said[0] if said else "7bit"
    if len(said) > 1 or encoding not in ("7bit", "8bit", "quoted-printable", "base64"):
        raise Unreadable("headers", f"the transfer encoding {encoding}")
    if encoding == "base64":
        try:
            return base64.b64decode(body.replace(b"\r\n", b""), validate=True)
        except (binascii.Error, ValueError):
            raise Unreadable("headers", "base64 that cannot be decoded") from None
    return binascii.a2b_qp(body) if encoding == "quoted-printable" else body


def content_lines(calendar: str) -> Iterator[tuple[str, str]]:
    """A calendar object's lines, unfolded: the property's name in capitals, and the whole line."""
    for line in re.sub(r"\r?\n[ \t]", "", calendar).splitlines():
        yield re.match(r"[A-Za-z0-9-]*", line).group(0).upper(), line  # type: ignore[union-attr]  # it matches ""

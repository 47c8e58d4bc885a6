"""Mails, and files of many mails: every header as it stands and decoded, every part, and what no reader shows."""

import binascii
import email
import email.message
import re
from collections.abc import Iterator

from tui.contents import text
from tui.contents.findings import Finding, Kind, Place

_USUAL = frozenset(
    {
        *("from", "to", "cc", "bcc", "subject", "date", "message-id", "received", "return-path", "mime-version"),
        *("content-type", "delivered-to", "reply-to", "sender", "x-mailer", "in-reply-to", "references"),
        *("dkim-signature",),
    }
)
_HEAD_AT_MOST = 1 << 17  # bytes that are looked at to tell a mail
_HEADER = re.compile(rb"([!-9;-~]+):(?:[ \t]|\r?$)")
_ENCODED_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?)")
_MESSAGE_LINE = re.compile(rb"^From .*\r?\n(?=[!-9;-~]+:|>From )", re.MULTILINE)
_FORMAL = frozenset({"mime-version", "content-transfer-encoding"})


def is_one(name: str, content: bytes) -> bool:
    """Whether it begins with a mail's headers: two of the usual ones, one where it is called a mail."""
    if content.startswith(b"From ") and _MESSAGE_LINE.match(content):
        return True
    usual = 0
    lines = content[:_HEAD_AT_MOST].splitlines()
    for line in lines[:-1] if len(content) > _HEAD_AT_MOST else lines:
        if not line.strip():
            break
        if line[:1] in b" \t":
            continue
        found = _HEADER.match(line)
        if not found:
            return False
        usual += found[1].decode("ascii").lower() in _USUAL
    return usual >= (1 if name.lower().endswith((".eml", ".mht", ".mhtml")) else 2)


def read(place: Place, name: str, content: bytes) -> Iterator[Finding]:
    if content.startswith(b"From "):
        starts = [found.start() for found in _MESSAGE_LINE.finditer(content)]
        if len(starts) > 1:
            for number, (begin, end) in enumerate(zip(starts, [*starts[1:], len(content)], strict=True), 1):
                yield from place.inside(f"message {number}", content[begin:end])
            return
    waiting = [email.message_from_bytes(content)]
    is_sound = True
    while waiting:
        part = waiting.pop()
        is_sound = is_sound and not part.defects
        yield from _headers(place, part)
        for between in (part.preamble, part.epilogue):
            yield from place.at("between the parts").says(_octets(between or "").decode("utf-8", "replace"))
        if part.is_multipart():
            waiting += reversed(part.get_payload())  # type: ignore[arg-type] # a multipart's payload is its parts
        else:
            yield from _body(place, part)
    if not is_sound:
        # Programs disagree about it, so that it is searched as it stands as well.
        yield from text.read(place, name, content)


def _headers(place: Place, part: "email.message.Message[str, str]") -> Iterator[Finding]:
    envelope = part.get_unixfrom()
    if envelope:
        yield from place.at("envelope").says(envelope)
    for name, value in part.items():
        raw = _octets(str(value)).decode("utf-8", "replace")
        said = decode_words(re.sub(r"\r?\n(?=[ \t])", "", raw))
        kind: Kind = "name" if name.lower() in _FORMAL else "text"
        yield from place.at(name).says(said, kind)
        if said != raw:
            yield from place.at(name).says(raw, kind)
    for called in dict.fromkeys((part.get_filename(), part.get_param("name", header="content-type"))):
        if isinstance(called, str):
            yield from place.says(decode_words(called), "name")


def _body(place: Place, part: "email.message.Message[str, str]") -> Iterator[Finding]:
    """A part's content, in its own character set where that is one, as a file of its own."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return
    place.work.spend(len(content))
    kind = part.get_content_type()
    plain_names = {"text/plain": "text", "text/html": "html", "text/calendar": "calendar"}
    label = decode_words(part.get_filename() or "") or plain_names.get(kind, kind)
    if kind.startswith("text/"):
        found = text.decoded(content, str(part.get_content_charset() or "utf-8"))
        if found is not None and "\0" not in found:
            inner = place.at(label)
            yield from inner.says(found, "html") if kind == "text/html" else text.say(inner, found)
            if kind == "text/html":
                yield from text.carried(inner, found)
            return
    yield from place.inside(label, content)


def decode_words(value: str) -> str:
    """RFC 2047 encoded words decoded as leniently as mail programs do."""
    if "=?" not in value:
        return value
    return _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1", value))


def _decode_word(found: re.Match[str]) -> str:
    octets = found[3].encode("utf-8", "surrogateescape")
    try:
        content = text.lenient_base64(octets) if found[2] in "bB" else binascii.a2b_qp(octets, header=True)
    except binascii.Error:
        return found[0]
    said = text.decoded(content, found[1])
    return said if said is not None else text.as_text(content)


def _octets(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")

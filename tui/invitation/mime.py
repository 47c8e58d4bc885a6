"""The message tree as bytes: exactly one To, 7-bit parts, CRLF (RFC 5322, 2045, 2047, 2231; protocol order of iMIP).

What is the same for everybody is encoded once; a message is put together from encoded pieces.
"""

import re
from base64 import b64encode
from binascii import a2b_qp, b2a_qp
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cache, lru_cache
from mimetypes import MimeTypes
from typing import NamedTuple
from urllib.parse import quote

# "=_" cannot stand in quoted-printable or base64, so no boundary of ours can be found inside a part (RFC 2045 §6.7).
_MIXED = b"=_invite-tui_mixed"
_ALTERNATIVE = b"=_invite-tui_alternative"
_ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_OPEN_XML = "application/vnd.openxmlformats-officedocument"
# Not known to every supported Python; and a calendar must not be text/calendar, which would be a second invitation.
_OURS = {
    "docx": f"{_OPEN_XML}.wordprocessingml.document",
    "pptx": f"{_OPEN_XML}.presentationml.presentation",
    "xlsx": f"{_OPEN_XML}.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "ics": "application/ics",
}
_END = "\r\n"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN = re.compile(r"[ -~]*")


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment as it stands in every message that carries it: headers and encoded body."""

    name: str
    part: bytes


def attachment(name: str, content: bytes) -> Attachment:
    """`content` as a part called `name`. The type comes from the name alone, the same on every machine."""
    return Attachment(name, _attached(_kind(name, content), name, _base64(content)))


def _kind(name: str, content: bytes) -> str:
    guessed, encoding = _types().guess_type(name, strict=True)
    kind = _OURS.get(name.rpartition(".")[2].lower()) or guessed
    if kind is None or encoding or kind.startswith(("message/", "multipart/")):
        return "application/octet-stream"
    if kind.startswith("text/"):
        return f"{kind}; charset=utf-8" if _is_utf8(content) else "application/octet-stream"
    return kind


@cache
def _types() -> MimeTypes:
    return MimeTypes()


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class Header(NamedTuple):
    """The values that the headers are made of; every string is one line of text, not yet encoded."""

    sender: tuple[str, str]
    to: tuple[str, str]
    subject: str
    date: datetime
    message_id: str
    reference: str
    reply_to: str | None = None
    in_reply_to: str | None = None
    language: str = "en-GB"


def assemble(
    header: Header,
    text: bytes,
    html: bytes,
    calendar: bytes,
    method: str,
    attach_ics: bool,
    attachments: Sequence[Attachment],
) -> bytes:
    """The complete message; `text` and `html` are quoted-printable. ValueError where a header value holds a line break
    or another control."""
    around, encoded = _around(method, attach_ics), _base64(calendar)
    pieces = [_header_lines(header), around[0], text, around[1], html, around[2], encoded, around[3]]
    if attach_ics:
        pieces += [encoded, around[4]]
    for piece in attachments:
        pieces += [b"--", _MIXED, b"\r\n", piece.part]
    return b"".join([*pieces, b"--", _MIXED, b"--\r\n"])


@cache
def _around(method: str, attach_ics: bool) -> Sequence[bytes]:
    """What stands before, between and after the text, the HTML and the calendar, up to the attachments."""
    gap = b"\0"  # which no header has
    readings = [
        _part(b"text/plain; charset=utf-8", b"quoted-printable", gap),
        _part(b"text/html; charset=utf-8", b"quoted-printable", gap),
        _part(b"text/calendar; charset=UTF-8; method=" + method.encode(), b"base64", gap),
    ]
    parts = [_multipart(b"alternative", _ALTERNATIVE, readings)]
    if attach_ics:
        parts.append(_attached("application/ics", "invite.ics", gap))
    return _multipart(b"mixed", _MIXED, parts).removesuffix(b"--%b--\r\n" % _MIXED).split(gap)


def quoted_printable(text: str) -> bytes:
    """UTF-8 text, CRLF line ends, in lines of at most 76 (RFC 2045 §6.7)."""
    return b"\r\n".join(map(_known_line, text.split("\n")))


def reading(printable: bytes) -> str:
    """The text, with LF line ends, that `quoted_printable` was given."""
    return a2b_qp(printable).decode("utf-8").replace("\r\n", "\n")


def printable_line(line: str) -> bytes:
    encoded = b2a_qp(line.encode("utf-8"))
    return encoded.replace(b"\n", b"\r\n") if b"\n" in encoded else encoded


_known_line = lru_cache(maxsize=512)(printable_line)
"""Most lines of a message are those of every other: the frame, the style sheet."""


def encoded_words(text: str, octets: int = 39) -> str:
    """`text` as RFC 2047 encoded words, one a line, no character cut in two.

    Each holds at most so many octets: 39 are short enough to stand behind "Subject: " in a line of 76.
    """
    words, chunk, size = [], "", 0
    for character in text:
        length = len(character.encode("utf-8"))
        if size + length > octets:
            words.append(chunk)
            chunk, size = "", 0
        chunk, size = chunk + character, size + length
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word.encode('utf-8')).decode()}?=" for word in words)


def _header_lines(header: Header) -> bytes:
    reply_to, answers = header.reply_to or "", header.in_reply_to or ""
    given = (*header.sender, *header.to, header.subject, header.message_id, header.reference, header.language)
    if not (said := "".join((*given, reply_to, answers))).isprintable() and _CONTROL.search(said):
        # Encoded it would do no harm; but it did not get here by right.
        raise ValueError("a control character in a header value")
    # Only a non-ASCII local part is not ASCII here: it goes out as UTF-8 where the server takes it (RFC 6532).
    return (
        f"From: {_sender(*header.sender)}\r\n"
        f"To: {_mailbox(*header.to, _BEHIND_TO)}\r\n"
        f"Subject: {_subject(header.subject)}\r\n"
        f"Date: {_date(header.date, header.date.utcoffset())}\r\n"
        f"Message-ID: {header.message_id}\r\n"
        f"{reply_to and f'Reply-To: {reply_to}{_END}'}"
        f"{answers and f'In-Reply-To: {answers}{_END}References: {answers}{_END}'}"
        f"Content-Language: {header.language}\r\n"
        f"X-Invite-Tui-Ref: {header.reference}\r\n"
        "MIME-Version: 1.0\r\n"
    ).encode()


def _mailbox(name: str, address: str, octets: int = 39) -> str:
    if not name:
        return f"<{address}>"
    if not _PLAIN.fullmatch(name) or "=?" in name or len(name) > 60:
        return f"{encoded_words(name, octets)}\r\n <{address}>"
    if not _ATEXT.fullmatch(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    space = " " if len(name) + len(address) < 66 else "\r\n "
    return f"{name}{space}<{address}>"


# Octets of a name: as much as a line takes. Some parsers show a space where one encoded word ends and the next begins.
_BEHIND_TO = 45

# The same in every message, or in most.
_sender = lru_cache(maxsize=16)(_mailbox)


@lru_cache(maxsize=16)
def _date(moment: datetime, _offset: timedelta | None) -> str:
    return format_datetime(moment)


@lru_cache(maxsize=64)
def _subject(text: str) -> str:
    if not _PLAIN.fullmatch(text) or "=?" in text or max(map(len, text.split(" "))) > 60:
        return encoded_words(text)
    lines, line = [], "Subject:"
    for word in text.split(" "):
        if len(line) + len(word) > 75 and line.strip() and line != "Subject:":
            lines.append(line)
            line = ""
        line = f"{line} {word}"
    lines.append(line)
    return "\r\n".join(lines).removeprefix("Subject: ")


def _multipart(kind: bytes, boundary: bytes, parts: Sequence[bytes]) -> bytes:
    body = b"".join(b"--%b\r\n%b" % (boundary, part) for part in parts)
    return b'Content-Type: multipart/%b;\r\n boundary="%b"\r\n\r\n%b--%b--\r\n' % (kind, boundary, body, boundary)


def _part(kind: bytes, encoding: bytes, body: bytes) -> bytes:
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b\r\n" % (kind, encoding, body)


def _attached(kind: str, name: str, body: bytes) -> bytes:
    plain = re.fullmatch(r"[A-Za-z0-9._+@()-](?:[A-Za-z0-9 ._+@()-]{0,58}[A-Za-z0-9._+@()-])?", name)
    parameter = f'filename="{name}"' if plain else f"filename*=utf-8''{quote(name, safe='')}"
    return (
        (
            f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
            f"Content-Disposition: attachment;\r\n {parameter}\r\n\r\n"
        ).encode()
        + body
        + b"\r\n"
    )


def _base64(content: bytes) -> bytes:
    encoded = b64encode(content)
    return b"\r\n".join([encoded[begin : begin + 76] for begin in range(0, len(encoded), 76)])

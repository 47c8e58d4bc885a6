"""Outlook's .msg files ([MS-OXMSG]): a compound file with a property in each stream."""

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import olefile

from tui.audit.reading import Header, Mail, Part, decode_words, read

_PROPERTIES = "__properties_version1.0"
_RECIPIENT, _ATTACHMENT = "__recip_version1.0_", "__attach_version1.0_"
_STREAM = re.compile(r"__substg1\.0_([0-9A-F]{4})([0-9A-F]{4})", re.IGNORECASE)
# Property types ([MS-OXCDATA] §2.11.1) and tags ([MS-OXPROPS]).
_WIDE, _NARROW, _BINARY, _OBJECT = "001F", "001E", "0102", "000D"
_RECIPIENT_TYPE = 0x0C15
_HEADERS, _SUBJECT, _BODY, _HTML, _RTF = "007D", "0037", "1000", "1013", "1009"
_SENDER = ("5D02", "0065", "5D01", "0C1F")  # represented SMTP address, address; sender's
_RECEIVED_BY = ("5D07", "0076")
_ADDRESS = ("39FE", "3003", "3001")  # SMTP address, address of any kind, display name
_NAME = "3001"
_FILE_NAMES = ("3707", "3704", "3001")
_DATA = "3701"
_MAPPED = {_HEADERS, _SUBJECT, _BODY, _HTML, *_SENDER, *_RECEIVED_BY}
_TYPES = {1: "To", 2: "Cc", 3: "Bcc"}
_DEPTH = 12


def is_message(file: Path | bytes) -> bool:
    """Whether a compound file is a message, and no document of another program."""
    if isinstance(file, bytes) and not file.startswith(olefile.MAGIC):
        return False
    try:
        with olefile.OleFileIO(_source(file)) as ole:
            return bool(ole.exists(_PROPERTIES))
    except Exception:  # noqa: BLE001  # olefile raises what it likes on hostile files
        return isinstance(file, Path) and file.suffix.lower() == ".msg"


def read_file(file: Path | bytes) -> Mail:
    """The message in a .msg file, or in its bytes. Raises Damaged; what is damaged in an attachment is `unopened`."""
    try:
        with olefile.OleFileIO(_source(file)) as ole:
            return _Storage(ole, ()).mail(0)
    except Exception as error:  # as above
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Damaged("it is damaged: no message can be read from it") from None


class Damaged(Exception):
    """A compound file from which no message can be read."""


def _source(file: Path | bytes) -> str | io.BytesIO:
    return io.BytesIO(file) if isinstance(file, bytes) else str(file)


class _Storage:
    """One storage of the compound file: the message, a recipient, an attachment, or a message in an attachment."""

    def __init__(self, ole: "olefile.OleFileIO", path: tuple[str, ...]) -> None:
        self._ole = ole
        self._path = path
        self._streams: dict[str, tuple[str, str]] = {}
        self.storages: list[str] = []
        seen: set[str] = set()
        for entry in ole.listdir(streams=True, storages=True):
            if len(entry) != len(path) + 1 or tuple(entry[:-1]) != path or entry[-1] in seen:
                continue
            seen.add(entry[-1])
            found = _STREAM.fullmatch(entry[-1])
            if found and found[2].upper() != _OBJECT:
                self._streams.setdefault(found[1].upper(), (found[2].upper(), entry[-1]))
            else:
                self.storages.append(entry[-1])

    def inside(self, name: str) -> "_Storage":
        return _Storage(self._ole, (*self._path, name))

    def octets(self, tag: str) -> bytes:
        """The value of a property as it stands, b"" where there is none."""
        if tag not in self._streams:
            return b""
        return self._stream(self._streams[tag][1])

    def text(self, *tags: str) -> str:
        """The value of the first of these properties that is not empty, "" where there is none."""
        return next(filter(None, map(self._text, tags)), "")

    def _text(self, tag: str) -> str:
        kind = self._streams.get(tag, ("", ""))[0]
        if kind == _WIDE:
            return self.octets(tag).decode("utf-16-le", "replace").rstrip("\0")
        if kind in (_NARROW, _BINARY):
            return _narrow(self.octets(tag)).rstrip("\0")
        return ""

    def _stream(self, name: str) -> bytes:
        with self._ole.openstream([*self._path, name]) as stream:
            return bytes(stream.read())

    def number(self, tag: int) -> int:
        """An integer among the fixed properties of a recipient or an attachment ([MS-OXMSG] §2.4.2), 0 without one."""
        if _PROPERTIES not in self.storages:
            return 0
        table = self._stream(_PROPERTIES)
        for at in range(8, len(table) - 15, 16):
            kind, name = struct.unpack_from("<HH", table, at)
            if name == tag and kind == 0x0003:
                return int(struct.unpack_from("<I", table, at + 8)[0])
        return 0

    # --- a message ----------------------------------------------------------------------------------------------------

    def mail(self, depth: int) -> Mail:
        unopened: list[tuple[str, str]] = []
        headers = self._headers()
        parts = [Part(where, kind, content=content, charset="utf-8") for where, kind, content in self._bodies()]
        if not parts and self.octets(_RTF):
            unopened.append(("text", "it is in Outlook's own format alone (RTF)"))
        for name in self.storages:
            if name.lower().startswith(_ATTACHMENT):
                try:
                    parts.append(self.inside(name).attachment(depth + 1))
                except Exception:  # noqa: BLE001  # olefile raises what it likes on hostile files
                    unopened.append(("attachment", "it is damaged, or too deep inside other messages"))
        return Mail(tuple(headers), tuple(parts), unopened=tuple(unopened))

    def _headers(self) -> list[Header]:
        """The headers it came with, and whatever else Outlook knows: of a message that it sent there is only that."""
        sent_with = read(self.text(_HEADERS).lstrip().encode("utf-8", "replace") + b"\n\n").headers
        headers = [header for header in sent_with if not header.name.lower().startswith("content-")]
        there = {header.name.lower() for header in headers}
        for name, value in self._known():
            if name.lower() not in there and value:
                headers.append(Header(name, value, decode_words(value)))
        for tag in sorted(self._streams.keys() - _MAPPED):
            value = self._text(tag) if self._streams[tag][0] in (_WIDE, _NARROW) else ""
            if value:
                headers.append(Header(f"Outlook property {tag}", value, value))
        return headers

    def _known(self) -> Iterator[tuple[str, str]]:
        yield "From", _as_mailbox("", self.text(*_SENDER))
        yield "Subject", self.text(_SUBJECT)
        yield "Delivered-To", _as_mailbox("", self.text(*_RECEIVED_BY))
        people: dict[str, list[str]] = {}
        for name in self.storages:
            if name.lower().startswith(_RECIPIENT):
                one = self.inside(name)
                kind = _TYPES.get(one.number(_RECIPIENT_TYPE) & 0xF, "To")
                people.setdefault(kind, []).append(_as_mailbox(one.text(_NAME), one.text(*_ADDRESS)))
        for kind, some in people.items():
            yield kind, ", ".join(filter(None, some))

    def _bodies(self) -> Iterator[tuple[str, str, bytes]]:
        text, html = self.text(_BODY), self.text(_HTML)
        if text:
            yield "text", "text/plain", text.encode("utf-8", "replace")
        if html:
            yield "html", "text/html", html.encode("utf-8", "replace")

    def attachment(self, depth: int) -> Part:
        name = self.text(*_FILE_NAMES)
        inner = next((one for one in self.storages if one.upper().endswith(f"_{_DATA}{_OBJECT}")), None)
        if inner is not None:
            message = self.inside(inner)
            if depth > _DEPTH or _PROPERTIES not in message.storages:
                raise ValueError(inner)
            return Part(
                name or "forwarded.msg", "message/rfc822", (name,) * bool(name), is_file=True, inner=message.mail(depth)
            )
        content = self.octets(_DATA)
        return Part(
            name or "attachment", "application/octet-stream", (name,) * bool(name), content=content, is_file=True
        )


def _as_mailbox(name: str, address: str) -> str:
    """A mailbox as it stands in a header; without an address Outlook knows only the name."""
    plain = re.sub(r"[\"\\<>\r\n]", "", name)
    bare = re.sub(r"[<>\s]", "", address) if "@" in address else re.sub(r"[<>\r\n]", "", address)
    return f'"{plain}" <{bare}>' if bare else ""


def _narrow(octets: bytes) -> str:
    for encoding in ("utf-8", "cp1252"):
        try:
            return octets.decode(encoding)
        except UnicodeDecodeError:
            continue
    return octets.decode("latin-1")

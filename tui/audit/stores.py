"""Files and folders to single messages: .eml, mbox, Maildir, .msg, Apple Mail's .emlx, and folders of them."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tui.audit.reading import Mail, plain, read
from tui.errors import InputError

MAX_MESSAGE = 128 * 1024 * 1024
"""Bytes of one message that are read. Mail servers take some 25 MB, the largest 150."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOOKED_AT = 16 * 1024
_CHUNK = 1024 * 1024
_FIELD = re.compile(rb"(?m)^([!-9;-~]{1,80})[ \t]*:")
_KNOWN = frozenset(
    b"from to cc bcc subject date message-id received return-path delivered-to mime-version content-type sender "
    b"reply-to x-mailer x-original-to envelope-to dkim-signature resent-from resent-to in-reply-to thread-topic".split()
)
_FROM_LINE = re.compile(rb"From [^\n]*\d\d:\d\d[^\n]*\d{4}")
_MESSAGE_NAMES = (".eml", ".emlx", ".mime")


@dataclass(frozen=True, slots=True)
class Found:
    """One message: the file it lies in, its 1-based number where the file may hold several, and what is in it.

    `raw` are its bytes, b"" for one of Outlook's own files.
    """

    file: str
    number: int | None
    mail: Mail
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A file that could not be read at all, and the reason in words."""

    file: str
    reason: str


def messages(paths: Iterable[str]) -> Iterator[Found | Unjudged]:
    """Every message in files and folders, one at a time, in the order of the names.

    InputError, before the first message, where a path is missing, unreadable or no mail. What cannot be read inside a
    folder is Unjudged; other files there are passed over.
    """
    named = [Path(path) for path in paths]
    for path in named:
        _must_be_mail(path)
    for path in named:
        yield from _in_folder(path) if path.is_dir() else _in_file(path, _kind(path))


def _must_be_mail(path: Path) -> None:
    """InputError for a path that somebody named and that cannot be judged."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        if isinstance(error, (FileNotFoundError, ValueError)):
            raise InputError(
                f"There is no file or folder {path}.", hint="Check the name, and the folder.", code="missing-file"
            ) from None
        raise _unreadable(path, error) from None
    if stat.S_ISDIR(mode):
        try:
            os.scandir(path).close()
        except OSError as error:
            raise _unreadable(path, error) from None
        return
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is neither a file nor a folder.", hint="Save the message first.", code="unreadable")
    try:
        kind = _kind(path)
    except OSError as error:
        raise _unreadable(path, error) from None
    if not kind:
        raise InputError(
            f"{path} is no message, mbox or Maildir.",
            hint="Save the message from the mail program as .eml, .msg, mbox or Maildir, with its headers.",
            code="no-message",
        )


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} cannot be read: {error.strerror}.", hint="Check who may read it.", code="unreadable")


def _in_folder(folder: Path) -> Iterator[Found | Unjudged]:
    """A Maildir, a folder of messages, or folders of either, without following links to other folders."""
    failed: list[OSError] = []
    for at, folders, files in os.walk(folder, onerror=failed.append):
        folders.sort()
        if "cur" in folders and "new" in folders:
            folders[:] = [name for name in folders if name != "tmp"]  # what is still being delivered
        is_maildir = Path(at).name in ("cur", "new")
        yield from map(_unjudged, failed)
        failed.clear()
        for name in sorted(files):
            path = Path(at, name)
            try:
                if not path.is_file():
                    continue
                kind = _kind(path) or ("message" if is_maildir and not name.startswith(".") else "")
                if kind:
                    yield from _in_file(path, kind)
            except OSError as error:
                yield Unjudged(str(path), f"it cannot be read: {error.strerror}")
    yield from map(_unjudged, failed)


def _unjudged(error: OSError) -> Unjudged:
    return Unjudged(str(error.filename), f"it cannot be read: {error.strerror}")


def _kind(path: Path) -> str:
    """What a file holds, by its content: "message", "mbox", "emlx", "msg", or "" where it is no mail."""
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
    name = path.name.lower()
    if head.startswith(_OLE):
        from tui.audit import outlook

        return "msg" if outlook.is_message(path) else ""
    head = plain(head).lstrip(b"\r\n")
    if head.startswith(b"From ") and (_FIELD.match(head.partition(b"\n")[2].lstrip(b">")) or _FROM_LINE.match(head)):
        return "mbox"
    if re.match(rb"\d{1,12}[ \t]*\r?\n", head) and name.endswith(".emlx"):
        return "emlx"
    above = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    fields = [found[1].lower() for found in _FIELD.finditer(above)]
    known = len(_KNOWN.intersection(fields))
    is_field = bool(_FIELD.match(head))
    return "message" if is_field and (known > 1 or name.endswith(_MESSAGE_NAMES)) else ""


def _in_file(path: Path, kind: str) -> Iterator[Found | Unjudged]:
    if kind == "msg":
        from tui.audit import outlook

        try:
            yield Found(str(path), None, outlook.read_file(path))
        except outlook.Damaged as error:
            yield Unjudged(str(path), str(error))
        return
    with path.open("rb") as file:
        if kind == "mbox":
            for number, (raw, is_whole) in enumerate(_mbox(file), 1):
                yield Found(str(path), number, _read(raw, is_whole=is_whole), raw)
            return
        if kind == "emlx":
            file.readline(_LOOKED_AT)
        raw = file.read(MAX_MESSAGE + 1)
        yield Found(str(path), None, _read(raw[:MAX_MESSAGE], is_whole=len(raw) <= MAX_MESSAGE), raw[:MAX_MESSAGE])


def _read(raw: bytes, *, is_whole: bool) -> Mail:
    mail = read(raw.lstrip(b"\r\n"))
    if is_whole:
        return mail
    reason = f"it is longer than {MAX_MESSAGE // 1024**2} MB, and what comes after was not read"
    return Mail(mail.headers, mail.parts, mail.between, (*mail.unopened, ("message", reason)))


def _mbox(file: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each message of an mbox, and whether it is whole.

    A message begins at a line "From ..." after an empty one, where a header follows: other programs than the one that
    wrote the file may not have quoted such a line in a text (RFC 4155 is silent on it).
    """
    message = _Growing()
    pending = b""  # a line that may begin a message
    is_blank, is_first = True, True
    while line := file.readline(_CHUNK):
        if pending:
            if _FIELD.match(line.lstrip(b">")) or (not line.strip() and _FROM_LINE.match(pending)):
                if not is_first:
                    yield message.taken()
                is_first = False
                message = _Growing()
            else:
                message.add(pending)
            pending = b""
        if is_blank and line.startswith(b"From "):
            pending = line
        else:
            message.add(line)
        is_blank = not line.strip(b"\r\n")
    if pending:
        message.add(pending)
    yield message.taken()


class _Growing:
    """A message that is being read, up to the limit."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, line: bytes) -> None:
        self._size += len(line)
        if self._size <= MAX_MESSAGE:
            self._lines.append(line)

    def taken(self) -> tuple[bytes, bool]:
        return b"".join(self._lines), self._size <= MAX_MESSAGE

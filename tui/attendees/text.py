"""Text files to records: encoding, line ends, delimiter, quotes. Read as a stream: no file is held in memory whole."""

import codecs
import csv
import hashlib
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, islice, pairwise, repeat, tee
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, Literal

from tui import files
from tui.errors import InputError, UsageError

Record = tuple[int, list[str]]
Batch = tuple[Sequence[int], Sequence[list[str]]]
"""Some records: the lines on which they start, and their cells."""
Whole = Callable[[list[str]], bool]

_BLOCK = 1 << 16  # bytes that are decoded in one go
_AHEAD = 1 << 18  # bytes that are read in one go, where they are wanted line by line
_AT_ONCE = 128  # records in a batch: so many that a call for all costs each next to nothing, and still in the cache
_LINE_END = re.compile("\r\n|\r|\n")
# A multi-byte sequence of UTF-8 that hardly any Windows-1252 text has: capital letters with an accent right before a
# symbol. Not DC to DF: "ß" before a closing quotation mark is German.
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdb][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, which it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FOR_PEOPLE = {"utf-8-sig": "utf-8", "cp1252": "windows-1252", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}


class DamageError(Exception):
    """The file cannot be read further. `line` is None where it is the whole file's."""

    def __init__(self, code: Literal["encoding", "unclosed-quote"], line: int | None, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.message = message
        self.hint = hint


class Content:
    """The bytes of one file, read from the beginning as often as they are asked for.

    Raises InputError where the file is missing or unreadable, is no file but a folder, a pipe or a device, or changes
    between two readings.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._opened() as stream:
            self._stamp = _stamp(stream)

    def open(self) -> BinaryIO:
        stream = self._opened()
        if _stamp(stream) != self._stamp:
            stream.close()
            raise InputError(f"{self._file} changed while it was being read.", hint="Try again when it is saved.")
        return stream

    def blocks(self) -> Iterator[bytes]:
        with self.open() as stream:
            while block := stream.read(_BLOCK):
                yield block

    def equals(self, other: "Content") -> bool:
        """Whether both are the same to the byte."""
        return self._stamp[1] == other._stamp[1] and self._digest == other._digest

    @cached_property
    def _digest(self) -> bytes:
        digest = hashlib.blake2b(digest_size=32)
        for block in self.blocks():
            digest.update(block)
        return digest.digest()

    @cached_property
    def head(self) -> bytes:
        with self.open() as stream:
            return stream.read(4096)

    def _opened(self) -> BinaryIO:
        try:
            return files.open_to_read(self._file)
        except IsADirectoryError:
            raise InputError(f"{self._file} is a folder; an attendee file is needed.", code="unreadable") from None
        except FileNotFoundError:
            raise InputError(f"There is no file {self._file}.", code="missing-file") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            # What is piped in has no event.toml beside it, and cannot be read twice.
            hint = "Save the list as a file, and name that." if "not a file" in reason else None
            raise InputError(f"{self._file} cannot be read: {reason}.", hint=hint, code="unreadable") from error


def _stamp(stream: BinaryIO) -> tuple[int, int, int]:
    about = os.fstat(stream.fileno())
    return about.st_ino, about.st_size, about.st_mtime_ns


@dataclass(frozen=True, slots=True)
class Text:
    """A file that decodes from its first byte to its last."""

    content: Content
    codec: str

    @property
    def encoding(self) -> str:
        """The encoding's name for people."""
        return _for_people(self.codec)

    @property
    def separator(self) -> str | None:
        """The delimiter that Excel's own first line names: `sep=;`."""
        with self.open() as lines:
            first = lines.readline().removeprefix("\ufeff")
        found = re.fullmatch(r'"?sep=(.)"?', first.rstrip("\r\n"), re.IGNORECASE)
        return found[1] if found and found[1] not in '"\r\n ' else None

    def open(self) -> io.TextIOWrapper:
        stream = _FarAhead(self.content.open().detach())  # type: ignore[attr-defined]  # a BufferedReader
        return io.TextIOWrapper(stream, encoding=self.codec, newline="")


class _FarAhead(io.BufferedReader):
    """A file for a TextIOWrapper, which would ask for 8 KiB at a time.

    Every read lets go of the interpreter's lock and takes it again before any other thread has woken up: many small
    ones would keep the screen's thread waiting for seconds.
    """

    def read1(self, size: int = -1, /) -> bytes:
        return super().read1(max(size, _AHEAD))


def decoded(content: Content, encoding: str | None) -> Text:
    """`content` in the wanted encoding, else by BOM, else UTF-8, else Windows-1252.

    Raises DamageError("encoding") where that is not what it is in, UsageError where there is no such encoding.
    """
    return Text(content, _codec(content, encoding))


def _codec(content: Content, wanted: str | None) -> str:
    """The codec that decodes all of the content."""
    if wanted is not None:
        codec = _known(wanted)
        if content.head.startswith(codecs.BOM_UTF8) and codecs.lookup(codec).name == "utf-8":
            codec = "utf-8-sig"
        _check(content, codec)
        return codec
    marked = next((codec for mark, codec in _BOMS if content.head.startswith(mark)), None)
    certain = marked or _utf_16_without_mark(content.head)
    if certain:
        _check(content, certain)
        return certain
    try:
        _check(content, "utf-8")
    except DamageError:
        if _has_utf8_sequence(content):
            raise  # partly UTF-8, so what is not is a mixture
        _check(content, "cp1252")
        return "cp1252"
    return "utf-8"


def _known(encoding: str) -> str:
    try:
        bytes(4).decode(encoding)  # the least that UTF-16 and UTF-32 have a character in
        codecs.getincrementaldecoder(encoding)
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise UsageError(
            f"There is no encoding named {encoding!r}.",
            hint="Try utf-8, windows-1252, utf-16, iso-8859-2 or mac-roman.",
        ) from None


def _check(content: Content, codec: str) -> None:
    """Raises DamageError where the content is not text in `codec`."""
    decoder = codecs.getincrementaldecoder(codec)()
    read, has_nul = 0, False
    try:
        for block in chain(content.blocks(), [b""]):
            read += len(block)
            has_nul |= "\0" in decoder.decode(block, final=not block)
    except UnicodeError as error:
        if not codec.startswith(("utf-16", "utf-32")) and b"\0" in content.head:
            raise _no_text(content, codec) from None
        # A decoder's object is what it had kept of earlier blocks and this one.
        start = read - len(error.object) + error.start if isinstance(error, UnicodeDecodeError) else 0
        line = 1 + _line_ends(content, codec, start)
        with content.open() as stream:
            stream.seek(start)
            byte = stream.read(1).hex().upper()
        raise DamageError(
            "encoding",
            line,
            f"This line holds a byte ({byte}) that is no {_for_people(codec)} text, which the rest of the file is.",
            "Open the file in a spreadsheet, put that line right and save it as CSV UTF-8; or name the encoding of the "
            "whole file with --encoding.",
        ) from None
    if has_nul:
        raise _no_text(content, codec)


def _no_text(content: Content, codec: str) -> DamageError:
    return DamageError(
        "encoding",
        1 + _line_ends(content, codec),
        "This is not a text file: it holds NUL bytes.",
        "Export the list as CSV UTF-8 or .xlsx; or name the file's encoding with --encoding.",
    )


def _line_ends(content: Content, codec: str, size: int | None = None) -> int:
    """How many lines end within the first `size` bytes, or before the first NUL."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(codec)("replace"), translate=True)
    count, left = 0, size
    for block in content.blocks():
        text = decoder.decode(block[:left], final=left is not None and left <= len(block))
        if size is None and "\0" in text:
            return count + text.partition("\0")[0].count("\n")
        count += text.count("\n")
        if left is not None:
            left -= len(block)
            if left <= 0:
                break
    return count


def _has_utf8_sequence(content: Content) -> bool:
    end = b""
    for block in content.blocks():
        if not (block.isascii() and end.isascii()) and _UTF8_SEQUENCE.search(end + block):
            return True
        end = block[-3:]
    return False


def _utf_16_without_mark(head: bytes) -> str | None:
    """UTF-16 shows itself in Latin text: every second byte is NUL."""
    if len(head) < 4 or head.count(0) < len(head) // 4:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 4 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 4 * odd else None


def _for_people(codec: str) -> str:
    return _FOR_PEOPLE.get(codec, codec)


# --- lines to records -------------------------------------------------------------------------------------------------


def records(text: Text, delimiter: str, whole: Whole, *, skip: bool = False) -> Iterator[Batch]:
    """csv.reader's records with the line on which each starts; with `skip` the first line is none of them.

    It is lenient, as people's files need (`"B" x` is a cell), and so takes a missing closing quote for the beginning of
    a very long cell: whatever spans lines is looked at again before it is believed.
    """
    csv.field_size_limit(2**31 - 1)  # the largest that every platform takes
    with text.open() as stream:
        first = stream.readline().removeprefix("\ufeff")  # which some codecs leave, such as utf-16-le
        # No line is empty but the one after the last: seen in a record where a quote is still open there.
        lines, again = tee(chain([] if skip or not first else [first], stream, [""]))
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        numbered = zip(reader, map(attrgetter("line_num"), repeat(reader)))  # noqa: B905  # one never ends
        line = 1 + skip
        done = 0
        while batch := list(islice(numbered, _AT_ONCE)):
            rows, ends = zip(*batch, strict=True)
            held = list(islice(again, ends[-1] - done))
            starts = [line, *(line - done + end for end in ends[:-1])]
            if not rows[-1] and not held[-1]:
                rows = rows[:-1]
            if len(held) > len(batch):
                long = (end - start > 1 for start, end in pairwise((done, *ends)))
                for at in [at for at, is_long in enumerate(long) if is_long]:
                    own = held[ends[at - 1] - done if at else 0 : ends[at] - done]
                    try:
                        _refuse_swallowed(starts[at], rows[at], own, delimiter, whole)
                    except DamageError:
                        yield starts[:at], rows[:at]
                        raise
            yield starts[: len(rows)], rows
            line += ends[-1] - done
            done = ends[-1]


def _refuse_swallowed(start: int, cells: list[str], lines: list[str], delimiter: str, whole: Whole) -> None:
    """Raises DamageError where a quote in this record has no end, or an end that belongs to a later record."""
    if lines[-1] and _tidy(delimiter).fullmatch("".join(lines)) and "@" not in "".join(lines[1:]):
        return  # as any program would write it, and no line within it can be a record of its own
    spans = [len(_LINE_END.findall(cell)) for cell in cells]
    opened = [start + sum(spans[:at]) for at in range(len(cells))]
    if lines[-1] == "":
        raise _unclosed(opened[-1])
    # A space between a closing quote and the delimiter is a habit, not damage.
    tidy = (re.sub(rf'" +(?=[{re.escape(delimiter)}\r\n]|$)', '"', line) for line in lines)
    try:
        list(csv.reader(tidy, delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        raise _unclosed(next(line for line, span in zip(opened, spans, strict=True) if span)) from None
    for number, line in enumerate(lines[1:], start + 1):
        within = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        if whole(within) and not any('"' in cell for cell in within):
            raise _unclosed(max(at for at, span in zip(opened, spans, strict=True) if span and at < number))


@lru_cache(maxsize=8)
def _tidy(delimiter: str) -> re.Pattern[str]:
    """A record whose every quote stands where it must. Possessive throughout: linear, whatever the text."""
    cell = rf'(?: *+"[^"]*+(?:""[^"]*+)*" *+|[^"\r\n{re.escape(delimiter)}]*+)'
    return re.compile(rf"(?:{cell}{re.escape(delimiter)})*{cell}(?:\r\n|\r|\n)?")


def _unclosed(line: int) -> DamageError:
    return DamageError(
        "unclosed-quote",
        line,
        f"A quotation mark opens on line {line} and is not closed where it should be, so what follows would be read as "
        "part of one cell. Nothing after that line was read.",
        f'Put a closing " on line {line}, or take the opening one away.',
    )

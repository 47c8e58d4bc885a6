"""Files to records: encoding, delimiter, quotes, sheets. What the cells mean is decided elsewhere.

A record is `(line, cells)`: the 1-based line of the file on which it starts, as a text editor counts them (LF, CR and
CRLF each end one; a line break inside a quoted cell does too), and the cells as they stand in the file.
"""

import codecs
import csv
import datetime
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from tui.errors import InputError, UsageError

Record = tuple[int, list[str]]
Whole = Callable[[list[str]], bool]

DELIMITERS = (",", ";", "\t")

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
_ZIP = b"PK\x03\x04"  # .xlsx
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and an .xlsx with a password


class DamageError(Exception):
    """The file cannot be read further. `line` is None where it is the whole file's."""

    def __init__(self, code: Literal["encoding", "unclosed-quote"], line: int | None, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Table:
    """One way to read a file: with one delimiter, or one sheet of a workbook.

    `rows(whole)` reads it from its beginning. It raises DamageError("unclosed-quote") where a quoted cell has no end,
    or has swallowed a line of which `whole(cells)` says that it is a record in its own right.
    """

    rows: Callable[[Whole], Iterator[Record]]
    is_sheet: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """A file that could be decoded: the ways to read it, best first, and the encoding's name for people.

    Two files with one `digest` are the same to the byte.
    """

    tables: tuple[Table, ...]
    encoding: str
    digest: bytes


def open_source(file: Path, encoding: str | None) -> Source:
    """Raises InputError where there is no such file, UsageError for an unknown encoding, DamageError("encoding")."""
    try:
        data = file.read_bytes()
    except IsADirectoryError:
        raise InputError(f"{file} is a folder; an attendee file is needed.") from None
    except FileNotFoundError:
        raise InputError(f"There is no file {file}.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{file} cannot be read: {reason}.") from error
    digest = hashlib.blake2b(data, digest_size=32).digest()
    if data.startswith((_ZIP, _OLE)):
        return Source(_sheets(data), "xlsx", digest)
    codec = _codec(data, encoding)
    first = _separator_line(data, codec)
    delimiters = (first,) if first else DELIMITERS
    return Source(
        tuple(_delimited(data, codec, each, skip=bool(first)) for each in delimiters), _for_people(codec), digest
    )


# --- encodings --------------------------------------------------------------------------------------------------------


def _codec(data: bytes, wanted: str | None) -> str:
    """The codec that decodes all of `data`: the wanted one, else by BOM, else UTF-8, else Windows-1252."""
    if wanted is not None:
        codec = _known(wanted)
        if data.startswith(codecs.BOM_UTF8) and codecs.lookup(codec).name == "utf-8":
            codec = "utf-8-sig"
        _check(data, codec)
        return codec
    for mark, codec in _BOMS:
        if data.startswith(mark):
            _check(data, codec)
            return codec
    guess = _utf_16_without_mark(data)
    if guess:
        _check(data, guess)
        return guess
    try:
        _check(data, "utf-8")
    except DamageError:
        if _UTF8_SEQUENCE.search(data):
            raise  # partly UTF-8, so what is not is a mixture
        _check(data, "cp1252")
        return "cp1252"
    return "utf-8"


def _known(encoding: str) -> str:
    try:
        b" ".decode(encoding)
        return codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise UsageError(
            f"There is no encoding named {encoding!r}.",
            hint="Try utf-8, windows-1252, utf-16, iso-8859-2 or mac-roman.",
        ) from None


def _check(data: bytes, codec: str) -> None:
    """Raises DamageError where `data` is not text in `codec`."""
    try:
        text = data.decode(codec)
    except UnicodeError as error:
        start = error.start if isinstance(error, UnicodeDecodeError) else 0
        line = 1 + len(_LINE_END.findall(data[:start].decode(codec, errors="replace")))
        raise DamageError(
            "encoding",
            line,
            f"Line {line} holds a byte ({data[start : start + 1].hex().upper()}) that is no {_for_people(codec)} text, "
            "which the rest is.",
            "Open the file in a spreadsheet, put that line right and save it as CSV UTF-8; or name the encoding of the "
            "whole file with --encoding.",
        ) from None
    nul = text.find("\0")
    if nul >= 0:
        raise DamageError(
            "encoding",
            1 + len(_LINE_END.findall(text[:nul])),
            "This is not a text file: it holds NUL bytes.",
            "Export the list as CSV UTF-8 or .xlsx; or name the file's encoding with --encoding.",
        )


def _utf_16_without_mark(data: bytes) -> str | None:
    """UTF-16 shows itself in Latin text: every second byte is NUL."""
    head = data[:4096]
    if len(head) < 4 or head.count(0) < len(head) // 4:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 4 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 4 * odd else None


def _for_people(codec: str) -> str:
    return {"utf-8-sig": "utf-8", "cp1252": "windows-1252", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(
        codec, codec
    )


# --- delimited text ---------------------------------------------------------------------------------------------------


def _lines(data: bytes, codec: str) -> Iterator[str]:
    lines = io.TextIOWrapper(io.BytesIO(data), encoding=codec, newline="")
    first = next(lines, "").removeprefix("\ufeff")  # which some codecs leave, such as utf-16-le
    return chain([first], lines) if first else lines


def _separator_line(data: bytes, codec: str) -> str | None:
    """The delimiter that Excel's own first line names: `sep=;`."""
    found = re.fullmatch(r'"?sep=(.)"?', next(_lines(data, codec), "").rstrip("\r\n"), re.IGNORECASE)
    return found[1] if found and found[1] not in '"\r\n ' else None


def _delimited(data: bytes, codec: str, delimiter: str, *, skip: bool) -> Table:
    def rows(whole: Whole) -> Iterator[Record]:
        lines = _lines(data, codec)
        if skip:
            next(lines)
        return _records(lines, delimiter, 1 + skip, whole)

    return Table(rows)


def _records(lines: Iterator[str], delimiter: str, first_line: int, whole: Whole) -> Iterator[Record]:
    """csv.reader's records with the line on which each starts.

    It is lenient, as people's files need (`"B" x` is a cell), and so takes a missing closing quote for the beginning of
    a very long cell: whatever spans lines is looked at again before it is believed.
    """
    csv.field_size_limit(2**31 - 1)  # the largest that every platform takes
    held: list[str] = []  # the lines of the record that is being read

    def remembered() -> Iterator[str]:
        for line in lines:
            held.append(line)
            yield line
        held.append("")  # asked for more at the end of the file: seen only where a record is still open there

    reader = csv.reader(remembered(), delimiter=delimiter, skipinitialspace=True)
    start = first_line
    for cells in reader:
        if len(held) > 1:
            _refuse_swallowed(start, cells, held, delimiter, whole)
        yield start, cells
        start = first_line + reader.line_num
        held.clear()


def _refuse_swallowed(start: int, cells: list[str], lines: list[str], delimiter: str, whole: Whole) -> None:
    """Raises DamageError where a quote in this record has no end, or an end that belongs to a later record."""
    spans = [len(_LINE_END.findall(cell)) for cell in cells]
    opened = [start + sum(spans[:at]) for at in range(len(cells))]
    if lines[-1] == "":
        raise _unclosed(opened[-1])
    # A space between a closing quote and the delimiter is a habit, not damage.
    tidy = (re.sub(rf'" +(?=[{re.escape(delimiter)}\r\n])', '"', line) for line in lines)
    try:
        list(csv.reader(tidy, delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        raise _unclosed(next(line for line, span in zip(opened, spans, strict=True) if span)) from None
    for number, line in enumerate(lines[1:], start + 1):
        within = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        if whole(within) and not any('"' in cell for cell in within):
            raise _unclosed(max(at for at, span in zip(opened, spans, strict=True) if span and at < number))


def _unclosed(line: int) -> DamageError:
    return DamageError(
        "unclosed-quote",
        line,
        f"A quotation mark opens on line {line} and is not closed where it should be, so what follows would be read as "
        "part of one cell. Nothing after that line was read.",
        f'Put a closing " on line {line}, or take the opening one away.',
    )


# --- workbooks --------------------------------------------------------------------------------------------------------


def _sheets(data: bytes) -> tuple[Table, ...]:
    """The visible sheets of an Excel workbook. Raises DamageError where it is none, or needs a password."""
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
        ]
        return tuple(_sheet(book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in names)
    except (CalamineError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DamageError(
            "encoding",
            None,
            f"This is not a workbook that can be read ({reason}).",
            "Open it in a spreadsheet, take a password off if it has one, and save the list as CSV UTF-8.",
        ) from None


def _sheet(values: Sequence[Sequence[object]]) -> Table:
    """A sheet's used rectangle; a record's line is the number that the spreadsheet shows beside the row."""
    rows = [[_as_shown(value) for value in row] for row in values]
    width = max((at for row in rows for at, cell in enumerate(row, 1) if cell), default=0)
    return Table(lambda _: ((line, row[:width]) for line, row in enumerate(rows, 1)), is_sheet=True)


def _as_shown(value: object) -> str:
    """A workbook's value as a person would have typed it: 7, not 7.0; dates in ISO form."""
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer():
            return str(int(value))
        case datetime.datetime():
            at_midnight = value.time() == datetime.time()
            return value.date().isoformat() if at_midnight else value.isoformat(" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)

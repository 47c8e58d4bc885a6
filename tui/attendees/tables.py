"""Files to records: delimited text and workbooks alike. What the cells mean is decided elsewhere.

A record is `(line, cells)`: the 1-based line of the file on which it starts, as a text editor counts them (LF, CR and
CRLF each end one; a line break inside a quoted cell does too), and the cells as they stand in the file.
"""

import datetime
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tui.attendees.text import Batch, Content, DamageError, Record, Whole, decoded, records

DELIMITERS = (",", ";", "\t")

_AT_ONCE = 128  # a sheet's rows in a batch
_ZIP = b"PK\x03\x04"  # .xlsx
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # .xls, and an .xlsx with a password


@dataclass(frozen=True, slots=True)
class Table:
    """One way to read a file: with one delimiter, or one sheet of a workbook.

    `batches(whole)` reads it from its beginning. It raises DamageError("unclosed-quote") where a quoted cell has no
    end, or has swallowed a line of which `whole(cells)` says that it is a record in its own right; one without an @ in
    it is never asked about.
    """

    batches: Callable[[Whole], Iterator[Batch]]
    is_sheet: bool = False
    delimiter: str = ""

    def rows(self, whole: Whole) -> Iterator[Record]:
        """The same, record by record."""
        return (record for lines, rows in self.batches(whole) for record in zip(lines, rows, strict=True))


@dataclass(frozen=True, slots=True)
class Source:
    """A file that could be decoded: the ways to read it, best first, and the encoding's name for people."""

    tables: tuple[Table, ...]
    encoding: str
    content: Content


def open_source(file: Path, encoding: str | None) -> Source:
    """Raises InputError where there is no such file, UsageError for an unknown encoding, DamageError("encoding")."""
    content = Content(file)
    if content.head.startswith((_ZIP, _OLE)):
        return Source(_sheets(b"".join(content.blocks())), "xlsx", content)
    text = decoded(content, encoding)
    named = text.separator
    delimiters = (named,) if named else DELIMITERS
    return Source(
        tuple(Table(partial(records, text, each, skip=bool(named)), delimiter=each) for each in delimiters),
        text.encoding,
        content,
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

    def batches(_: Whole) -> Iterator[Batch]:
        for first in range(0, len(rows), _AT_ONCE):
            some = [row[:width] for row in rows[first : first + _AT_ONCE]]
            yield range(first + 1, first + 1 + len(some)), some

    return Table(batches, is_sheet=True)


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

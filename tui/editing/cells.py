"""One person's cells in their own file: quotes, line ends, encoding and everybody else's row stay to the byte."""

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from tui.attendees.tables import open_source
from tui.attendees.text import Content, DamageError, Text, decoded
from tui.clean import one_line
from tui.errors import InputError
from tui.event import replace_bytes

_LARGEST = 256 << 20  # bytes of a file that is written anew for a cell


@dataclass(frozen=True, slots=True)
class _Piece:
    """A cell as it stands in the file, and as it reads."""

    raw: str
    value: str


def change_cells(
    file: Path,
    line: int,
    changes: Mapping[int, str],
    *,
    expected: Sequence[str],
    delimiter: str,
    encoding: str | None = None,
) -> None:
    """Put these values into the record that begins on `line`, by their column's index (0 is the first).

    `expected` are the record's cells as they were read, white space aside: where the file has others by now, nothing is
    written. InputError says why it cannot be done: a workbook, a file that changed, a letter that its encoding lacks.
    """
    found = _find(file, line, expected, delimiter, encoding)
    made = [piece.raw for piece in _pieces(found.record, delimiter)]
    made += [""] * (max(changes) + 1 - len(made))
    for at, value in changes.items():
        made[at] = _written(value, delimiter, was_quoted=made[at].lstrip().startswith('"'))
    ending = found.record[len(found.record.rstrip("\r\n")) :]
    _replace(file, found, delimiter.join(made) + ending)


def delete_record(
    file: Path, line: int, *, expected: Sequence[str], delimiter: str, encoding: str | None = None
) -> None:
    """Take out the record that begins on `line`, with its line end; as `change_cells`."""
    _replace(file, _find(file, line, expected, delimiter, encoding), "")


@dataclass(frozen=True, slots=True)
class _Found:
    """A record in its file: the text before and after it, and how the file is written."""

    text: Text
    head: bytes
    before: Sequence[str]
    record: str
    after: Sequence[str]


def _find(file: Path, line: int, expected: Sequence[str], delimiter: str, encoding: str | None) -> _Found:
    try:
        if open_source(file, encoding).encoding == "xlsx":
            raise InputError(
                f"{file.name} is a workbook: change it in your spreadsheet and save it, and it is read again.",
                code="workbook",
            )
        content = Content(file)
        text = decoded(content, encoding)
    except DamageError as error:
        raise InputError(error.message, hint=error.hint) from None
    if file.stat().st_size > _LARGEST:
        raise InputError(f"{file.name} is too large to be changed here.", hint="Change it in your spreadsheet.")
    with text.open() as stream:
        before = list(islice(stream, line - 1))
        record, after = _record(stream, delimiter)
    if not _same([piece.value for piece in _pieces(record, delimiter)], expected):
        raise InputError(
            f"{file.name} has changed meanwhile.", hint="It was read again: look once more.", code="changed"
        )
    return _Found(text, content.head, before, record, after)


def _replace(file: Path, found: _Found, record: str) -> None:
    """Write the file with this in the record's place."""
    whole = "".join(chain(found.before, [record], found.after))
    codec = found.text.codec
    try:
        raw = whole.encode(codec)
        if codec == "utf-16" and found.head.startswith(codecs.BOM_UTF16_BE):
            raw = codecs.BOM_UTF16_BE + whole.encode("utf-16-be")
    except UnicodeEncodeError as error:
        letter = whole[error.start]
        raise InputError(
            f"{file.name} is {found.text.encoding}, which has no “{letter}”.",
            hint="Save the file as CSV UTF-8 in your spreadsheet, then change it here.",
            code="encoding",
        ) from None
    try:
        replace_bytes(file, raw)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}.", code="unwritable") from None


def _record(lines: Iterator[str], delimiter: str) -> tuple[str, list[str]]:
    """The text of the first record of these lines, its line end too, and the lines after it."""
    taken: list[str] = []

    def told() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    next(csv.reader(told(), delimiter=delimiter, skipinitialspace=True), None)
    return "".join(taken), list(lines)


def _pieces(record: str, delimiter: str) -> Iterator[_Piece]:
    """The cells, as lenient as they are read: a quote counts at a cell's beginning only."""
    text = record.removeprefix("\ufeff").rstrip("\r\n")
    start, end = 0, len(text)
    bom = record[: len(record) - len(record.removeprefix("\ufeff"))]
    while True:
        at = start
        while at < end and text[at] == " ":
            at += 1
        if at < end and text[at] == '"':
            at += 1
            while at < end and not (text[at] == '"' and text[at + 1 : at + 2] != '"'):
                at += 2 if text[at] == '"' else 1
            at += 1
        while at < end and text[at] != delimiter:
            at += 1
        raw = bom + text[start:at]
        bom = ""
        row = next(csv.reader([raw.removeprefix("\ufeff")], delimiter=delimiter, skipinitialspace=True), [])
        yield _Piece(raw, row[0] if row else "")
        if at >= end:
            return
        start = at + 1


def _same(found: Sequence[str], expected: Sequence[str]) -> bool:
    width = max(len(found), len(expected))
    return [one_line(one) for one in [*found, *[""] * (width - len(found))]] == [
        one_line(one) for one in [*expected, *[""] * (width - len(expected))]
    ]


def _written(value: str, delimiter: str, *, was_quoted: bool) -> str:
    """A cell as a spreadsheet would write it."""
    needs = was_quoted or any(char in value for char in (delimiter, '"', "\r", "\n")) or value != value.strip()
    return '"' + value.replace('"', '""') + '"' if needs else value

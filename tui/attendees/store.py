"""A million records in the memory of their text: all cells in one run of bytes, an Attendee only for who is looked at.

Cells are cleaned before they come here, so none holds ASCII's unit and record separators: these end cells and rows.
Rows are numbered from 0 through all files, in their order.
"""

import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import accumulate, compress, islice
from typing import overload
from weakref import WeakValueDictionary

from tui.attendees.columns import Columns, squash
from tui.attendees.status import is_filled, means_withdrawn
from tui.clean import one_line

CELL_END = "\x1f"
ROW_END = "\x1e"

_STEP = 4096  # rows that are searched in one go
_AT_ONCE = 512  # rows whose cells are made in one go: nobody else has a turn meanwhile
_CHUNK = 1 << 20  # bytes
_DENSE = 8  # with more than one hit in so many rows, looking into every row is faster than jumping from hit to hit


# What is known of a row beside its cells: a byte for each. Not an IntFlag, whose every `&` takes a microsecond.
ERROR = 1
WITHDRAWN = 2
SHIFTED = 4  # more cells than headers: what stands under which header is anybody's guess
NO_ADDRESS = 8  # the cell that should hold an address holds none
NOT_ASCII = 16


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Attendee:
    """One CSV record that holds a person, with errors or without.

    `address` is the wire form, or the raw cell where it is no address; `cells` are cleaned for messages and as many as
    there are headers. `withdrawn` is what the status column says where it says that the person is not coming. `key` is
    unique among the list's records without errors that are not withdrawn.
    """

    key: str
    address: str
    name: str
    group: str
    file: str
    line: int
    cells: tuple[str, ...]
    columns: Columns = field(repr=False)
    withdrawn: str | None = None
    has_error: bool = False

    @property
    def fields(self) -> dict[str, str]:
        """Each header, as the file spells it, with this record's cell; of columns that share a header the first."""
        return dict(zip(reversed(self.columns.headers), reversed(self.cells), strict=True))

    def cell(self, header: str) -> str:
        """The cell under `header`, in whatever case and with whatever spaces, `_` and `-`. Raises KeyError."""
        return self.cells[self.columns.by_header[squash(header)]]


Identity = tuple[str, str, str]
"""Of a row its own id or "", the key of its address, and the address."""


# --- what a row's cells say -------------------------------------------------------------------------------------------


def address_column(columns: Columns, cells: Sequence[str]) -> int:
    """The column that holds this row's address: where that is blank, another in which people have theirs."""
    if columns.also and not cells[columns.address]:
        return next((at for at in columns.also if cells[at]), columns.address)
    return columns.address


def withdrawal_column(columns: Columns, cells: Sequence[str]) -> int | None:
    """The column that says that this person is not coming."""
    for at in columns.statuses:
        if cells[at] and means_withdrawn(cells[at]):
            return at
    return next((at for at in columns.withdrawals if cells[at] and is_filled(cells[at])), None)


def withdrawal_words(columns: Columns, cells: Sequence[str], at: int) -> str:
    """What a column says of a withdrawal: its status, or whatever was noted under "Cancelled"."""
    said = one_line(cells[at])
    return said if at in columns.statuses else f"{columns.headers[at]}: {said}"


def own_id(columns: Columns, cells: Sequence[str]) -> str:
    return one_line(cells[columns.id]) if columns.id is not None else ""


def plain_wire(cell: str) -> str:
    """The wire form of an address whose domain has no other form than its letters in lower case."""
    local, _, domain = cell.rpartition("@")
    return cell if domain.islower() else f"{local}@{domain.lower()}"


def _name(columns: Columns, cells: Sequence[str]) -> str:
    if len(columns.name) == 1 and (only := one_line(cells[columns.name[0]])):
        return only
    for way in (columns.name, *columns.other_names):
        name = " ".join(filter(None, [one_line(cells[at]) for at in way]))
        if name:
            return name
    return ""


# --- the records ------------------------------------------------------------------------------------------------------


class _Some(Sequence[Attendee]):
    """Equal to every sequence of equal attendees. Whoever is taken by number stays one object while anybody holds it;
    iteration makes them anew."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Some | tuple | list):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as Python has it of what is equal by its items

    def __repr__(self) -> str:
        return f"<{len(self)} attendees>"


class Records(_Some):
    """All records of all files, in their order: a sequence of attendees who are made when they are asked for.

    What is needed of everybody is had from the text itself, without an object for each.
    """

    def __init__(self, store: "Writer") -> None:
        self._text = store.text
        self._starts = store.starts
        self._lines = store.lines
        self._marks = store.marks
        self._spelled = store.spelled
        self._kept: WeakValueDictionary[int, Attendee] = WeakValueDictionary()
        places = store.places
        starts = [start for _, _, _, start in places]
        self.parts = tuple(
            Part(self, file, label, columns, range(start, stop))
            for (file, label, columns, start), stop in zip(places, [*starts[1:], len(self._lines)], strict=False)
        )
        self._part_starts = starts

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, row: int) -> Attendee: ...
    @overload
    def __getitem__(self, row: slice) -> "Chosen": ...
    def __getitem__(self, row: int | slice) -> "Attendee | Chosen":
        if isinstance(row, slice):
            return Chosen(self, range(len(self))[row])
        row = range(len(self))[row]
        attendee = self._kept.get(row)
        if attendee is None:
            attendee = self._kept[row] = self.made(row)
        return attendee

    def made(self, row: int) -> Attendee:
        """The attendee of this row, made anew each time."""
        return self.part_of(row).attendee(row, self.cells(row))

    def __iter__(self) -> Iterator[Attendee]:
        for part in self.parts:
            yield from part

    # Of one row

    def part_of(self, row: int) -> "Part":
        # Of several parts that start at this row all but the last are empty.
        return self.parts[bisect_right(self._part_starts, row) - 1]

    def cells(self, row: int) -> tuple[str, ...]:
        start, end = self._starts[row], self._starts[row + 1]
        return tuple(self._text[start : end - 1].decode().split(CELL_END))

    def identity(self, row: int) -> Identity:
        return self.part_of(row).identity(row, self.cells(row))

    def line(self, row: int) -> int:
        return self._lines[row]

    def file(self, row: int) -> str:
        return self.part_of(row).file

    def marks(self, row: int) -> int:
        """What is known of the row: ERROR, WITHDRAWN..., added up."""
        return self._marks[row]

    def has_error(self, row: int) -> bool:
        return bool(self._marks[row] & ERROR)

    def is_withdrawn(self, row: int) -> bool:
        return bool(self._marks[row] & WITHDRAWN)

    @property
    def spells_any(self) -> bool:
        return bool(self._spelled)

    def spelled(self, row: int) -> tuple[str, str] | None:
        """Key and address of a row whose cell alone does not give them."""
        return self._spelled.get(row)

    def row_at(self, file: str, line: int) -> int | None:
        """The row of the record that starts on this line."""
        for part in self.parts:
            if part.file == file:
                row = bisect_left(self._lines, line, part.rows.start, part.rows.stop)
                if row < part.rows.stop and self._lines[row] == line:
                    return row
        return None

    # Of all rows

    def marked(self, mark: int) -> int:
        """How many rows have this mark, or any of these."""
        return self._marks.translate(_with(mark)).count(1)

    def any_marked(self, mark: int, first: int, stop: int) -> bool:
        """Whether one of these rows has this mark, or any of these."""
        return 1 in self._marks[first:stop].translate(_with(mark))

    def rows_without(self, mark: int) -> Sequence[int]:
        """The rows that have none of these marks."""
        if not self.marked(mark):
            return range(len(self))
        return array("I", (row for row, is_marked in enumerate(self._marks.translate(_with(mark))) if not is_marked))

    def rows_with(self, mark: int) -> Sequence[int]:
        """The rows that have any of these marks."""
        is_marked = self._marks.translate(_with(mark))
        rows = array("I")
        row = is_marked.find(1)
        while row >= 0:
            rows.append(row)
            row = is_marked.find(1, row + 1)
        return rows

    def identities(self) -> Iterator[tuple[str, str]]:
        """Everybody's key and address."""
        for part in self.parts:
            yield from part.identities()

    def identities_of(self, rows: Sequence[int]) -> Iterator[tuple[int, Identity]]:
        """Each of these rows, which ascend, with its identity."""
        at = 0
        for part in self.parts:
            for first, stop in part.steps():
                if at == len(rows):
                    return
                end = bisect_left(rows, stop, at)
                if (end - at) * _DENSE > stop - first:
                    found = part.identities_between(first, stop)
                    yield from [(row, found[row - first]) for row in rows[at:end]]
                else:
                    yield from [(row, self.identity(row)) for row in rows[at:end]]
                at = end

    @cached_property
    def groups(self) -> dict[str, int]:
        """How many people who did not withdraw are in each group, in the order of their first."""
        counts: Counter[str] = Counter()
        for part in self.parts:
            counts.update(part.groups())
        return dict(counts)

    def find(self, text: str) -> Iterator[int]:
        """The rows with a cell that has `text` in it, whatever the case and the accents; all rows for ""."""
        folded = fold(text)
        if CELL_END in folded or ROW_END in folded:
            return
        wanted = folded.encode("utf-8", "replace")
        others = {step.first: step for step in self._folded}
        for first, stop in self._steps(range(len(self))):
            begin, end = self._starts[first], self._starts[stop]
            more = others[first].find(wanted) if first in others else []
            if not folded.isascii() or self._lower.find(wanted, begin, end) < 0:
                yield from more
            elif self._lower.count(wanted, begin, end) * _DENSE > stop - first:
                hits = [wanted in row for row in self._lower[begin:end].split(_ROW_END)]
                for row in more:
                    hits[row - first] = True
                yield from compress(range(first, stop), hits)
            else:
                rows = self._jump(wanted, first, stop)
                yield from sorted({*rows, *more}) if more else rows

    def _jump(self, wanted: bytes, first: int, stop: int) -> list[int]:
        """The rows from `first` to `stop` that have `wanted` in them: from hit to hit."""
        rows = []
        end = self._starts[stop]
        at = self._lower.find(wanted, self._starts[first], end)
        while at >= 0:
            rows.append(bisect_right(self._starts, at, first, stop) - 1)
            at = self._lower.find(wanted, self._starts[rows[-1] + 1], end)
        return rows

    @cached_property
    def _lower(self) -> bytearray:
        """All text once more, in lower case where it is ASCII: made for the first search, as each would take twice as
        long without."""
        lower = bytearray()
        with memoryview(self._text) as text:
            for at in range(0, len(text), _CHUNK):
                lower += bytes(text[at : at + _CHUNK]).lower()
        return lower

    @cached_property
    def _folded(self) -> tuple["_Folded", ...]:
        """The cells that are not ASCII, folded: `_lower` has only the others in lower case."""
        if not self.marked(NOT_ASCII):
            return ()
        return tuple(self._fold(first, stop) for first, stop in self._steps(range(len(self))))

    def _fold(self, first: int, stop: int) -> "_Folded":
        rows = [row for row in range(first, stop) if self._marks[row] & NOT_ASCII]
        texts = [CELL_END.join([cell for cell in self.cells(row) if not cell.isascii()]) for row in rows]
        return _Folded(first, array("I", rows), fold(ROW_END.join(texts)).encode("utf-8", "replace"))

    def _steps(self, rows: range) -> Iterator[tuple[int, int]]:
        for first in range(rows.start, rows.stop, _STEP):
            yield first, min(first + _STEP, rows.stop)

    def flat_cells(self, first: int, stop: int) -> list[str]:
        """All cells of these rows, one after the other."""
        text = self._text[self._starts[first] : self._starts[stop]].decode()
        cells = text.replace(ROW_END, CELL_END).split(CELL_END)
        cells.pop()
        return cells


class Chosen(_Some):
    """Some of the records; `rows` has their numbers."""

    def __init__(self, records: Records, rows: Sequence[int]) -> None:
        self.rows = rows
        self._records = records

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Attendee: ...
    @overload
    def __getitem__(self, place: slice) -> "Chosen": ...
    def __getitem__(self, place: int | slice) -> "Attendee | Chosen":
        if isinstance(place, slice):
            return Chosen(self._records, self.rows[place])
        return self._records[self.rows[place]]

    def __iter__(self) -> Iterator[Attendee]:
        return map(self._records.made, self.rows)


class Part:
    """The records of one file: `rows` are their numbers, `columns` what its header means, `label` the group of those
    who have none of their own. The numbers of columns are indexes into `columns.headers`."""

    def __init__(self, records: Records, file: str, label: str, columns: Columns, rows: range) -> None:
        self.file = file
        self.label = label
        self.columns = columns
        self.rows = rows
        self._records = records
        self._width = len(columns.headers)

    def __iter__(self) -> Iterator[Attendee]:
        width = self._width
        for first, cells in self._steps():
            for row, at in enumerate(range(0, len(cells), width), first):
                yield self.attendee(row, tuple(cells[at : at + width]))

    def attendee(self, row: int, cells: tuple[str, ...]) -> Attendee:
        columns, marks = self.columns, self._records.marks(row)
        address, key = self.address(row, cells[address_column(columns, cells)])
        group, withdrawn = "", None
        if columns.group is not None and not marks & SHIFTED:
            group = one_line(cells[columns.group])
        if marks & WITHDRAWN:
            at = withdrawal_column(columns, cells)
            withdrawn = "" if at is None else withdrawal_words(columns, cells, at)
        return Attendee(
            own_id(columns, cells) or key,
            address,
            _name(columns, cells),
            group or self.label,
            self.file,
            self._records.line(row),
            cells,
            columns,
            withdrawn,
            bool(marks & ERROR),
        )

    def address(self, row: int, cell: str) -> tuple[str, str]:
        """Address and key of a row with this cell in its address column."""
        spelled = self._records.spelled(row)
        if spelled is not None:
            return spelled[1], spelled[0]
        if self._records.marks(row) & NO_ADDRESS:
            return cell, f"{self.file}:{self._records.line(row)}"
        wire = plain_wire(cell)
        return wire, wire.lower()

    def column(self, at: int) -> Iterator[str]:
        """The cells of one column, from the first record to the last."""
        for _, cells in self._steps():
            yield from cells[at :: self._width]

    def values(self, at: int) -> set[str]:
        """What stands in a column, each once."""
        found: set[str] = set()
        for _, cells in self._steps():
            found.update(cells[at :: self._width])
        return found

    @cached_property
    def blanks(self) -> Sequence[int]:
        """How many cells of each column are blank, whoever's they are."""
        counts = [0] * self._width
        for _, cells in self._steps():
            if "" in cells:
                for at in range(self._width):
                    counts[at] += cells[at :: self._width].count("")
        return counts

    def blank_rows(self, at: int) -> Iterator[int]:
        """The rows whose cell in this column is blank."""
        if self.blanks[at]:
            for first, cells in self._steps():
                yield from (row for row, cell in enumerate(cells[at :: self._width], first) if not cell)

    def identities(self) -> Iterator[tuple[str, str]]:
        """Each record's key and address."""
        for first, stop in self.steps():
            for own, key, address in self.identities_between(first, stop):
                yield own or key, address

    def identities_between(self, first: int, stop: int) -> Sequence[Identity]:
        """Of the rows from `first` to `stop`."""
        columns, width, cells = self.columns, self._width, self._records.flat_cells(first, stop)
        is_simple = columns.id is None and not columns.also and not self._records.spells_any
        if is_simple and not self._records.any_marked(NO_ADDRESS, first, stop):
            return [("", wire.lower(), wire) for wire in map(plain_wire, cells[columns.address :: width])]
        places = range(0, len(cells), width)
        return [self.identity(row, cells[at : at + width]) for row, at in enumerate(places, first)]

    def identity(self, row: int, cells: Sequence[str]) -> Identity:
        address, key = self.address(row, cells[address_column(self.columns, cells)])
        return own_id(self.columns, cells), key, address

    def groups(self) -> Counter[str]:
        """How many people who did not withdraw are in each group."""
        raw: Counter[str] = Counter()
        at = self.columns.group
        for first, cells in self._steps():
            mine = cells[at :: self._width] if at is not None else [""] * (len(cells) // self._width)
            if self._records.any_marked(SHIFTED | WITHDRAWN, first, first + len(mine)):
                marked = ((cell, self._records.marks(row)) for row, cell in enumerate(mine, first))
                mine = ["" if mark & SHIFTED else cell for cell, mark in marked if not mark & WITHDRAWN]
            raw.update(mine)
        counts: Counter[str] = Counter()
        for cell, count in raw.items():
            counts[one_line(cell) or self.label] += count
        return counts

    def steps(self) -> Iterator[tuple[int, int]]:
        """From which row to which one cells are made in one go."""
        for first in range(self.rows.start, self.rows.stop, _AT_ONCE):
            yield first, min(first + _AT_ONCE, self.rows.stop)

    def _steps(self) -> Iterator[tuple[int, list[str]]]:
        """The first row of each step, and all cells of its rows."""
        for first, stop in self.steps():
            yield first, self._records.flat_cells(first, stop)


class Writer:
    """Records while they are being read. What `records` gives shares everything with it."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.starts = array("Q", [0])
        self.lines = array("I")
        self.marks = bytearray()
        self.spelled: dict[int, tuple[str, str]] = {}
        self.places: list[tuple[str, str, Columns, int]] = []

    def __len__(self) -> int:
        return len(self.lines)

    def begin(self, file: str, label: str, columns: Columns) -> None:
        """What is written next is of this file."""
        self.places.append((file, label, columns, len(self)))

    def extend(self, lines: Sequence[int], rows: Sequence[bytes], marks: bytes) -> None:
        """Rows whose cells say it all: each as many as there are headers, CELL_END between them, in UTF-8."""
        if rows:
            self.text += _ROW_END.join(rows)
            self.text += _ROW_END
            # Only ever added to: others may be looking at the rows that are there.
            ends = accumulate([len(row) + 1 for row in rows], initial=self.starts[-1])
            self.starts.extend(islice(ends, 1, None))
            self.lines.extend(lines)
            self.marks += marks

    def add(self, line: int, cells: Sequence[str], marks: int, key: str, address: str) -> None:
        """One row; key and address are remembered where the cells alone would give others."""
        row = len(self)
        text = CELL_END.join(cells)
        marks |= 0 if text.isascii() else NOT_ASCII
        self.extend([line], [text.encode()], bytes([marks]))
        file, _, columns, _ = self.places[-1]
        cell = cells[address_column(columns, cells)]
        wire = plain_wire(cell)
        said = (f"{file}:{line}", cell) if marks & NO_ADDRESS else (wire.lower(), wire)
        if said != (key, address):
            self.spelled[row] = key, address

    def mark(self, row: int, mark: int) -> None:
        self.marks[row] |= mark

    def records(self) -> Records:
        return Records(self)

    def without(self, gone: Sequence[int]) -> "Writer":
        """Another, with these rows (ascending) left out. This one stays as it is: others may be looking at it."""
        other = Writer()
        places = iter(self.places)
        place = next(places, None)
        first = 0
        for stop in (*gone, len(self)):
            while place is not None and place[3] <= stop:
                other.places.append((*place[:3], place[3] - bisect_left(gone, place[3])))
                place = next(places, None)
            if first < stop:
                begin, moved = self.starts[first], len(other.text) - self.starts[first]
                other.text += self.text[begin : self.starts[stop]]
                other.starts.extend(start + moved for start in self.starts[first + 1 : stop + 1])
                other.lines += self.lines[first:stop]
                other.marks += self.marks[first:stop]
            first = stop + 1
        left = set(gone)
        other.spelled = {row - bisect_left(gone, row): said for row, said in self.spelled.items() if row not in left}
        return other


_ROW_END = ROW_END.encode()


@cache
def _with(mark: int) -> bytes:
    return bytes(bool(value & mark) for value in range(256))


# --- search -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Folded:
    """What is not ASCII in the rows of one step, folded."""

    first: int
    rows: Sequence[int]
    text: bytes

    def find(self, wanted: bytes) -> list[int]:
        if wanted not in self.text:
            return []
        return [row for row, text in zip(self.rows, self.text.split(_ROW_END), strict=False) if wanted in text]


def fold(text: str) -> str:
    """Case and accents away, so that "muller" finds "Müller"."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text.casefold())
    for mark in {char for char in set(plain) if unicodedata.combining(char)}:
        plain = plain.replace(mark, "")
    return plain

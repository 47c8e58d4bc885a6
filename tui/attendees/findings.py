"""Everything that is wrong with a list, in the memory of a few bytes for each row.

A million rows may each have a problem. What is kept of one is its row; it is put into words when somebody looks at it.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, overload

from tui.attendees.doubles import ID_MOVES, SAME_ADDRESS, SAME_ID, Doubles
from tui.attendees.judging import Row, judge
from tui.attendees.store import Records, address_column, withdrawal_column
from tui.errors import Problem

Severity = Literal["error", "warning"]

# An entry is one number: where in the list it stands, of which sort it is, and which of that sort.
_SORT, _PLACE = 28, 30
_OWN, _DOUBLE, _WITHDRAWN = range(3)
_WHICH = (1 << _SORT) - 1


class Noted:
    """What is wrong, as it is found while the files are read; rows are numbered as in the store."""

    def __init__(self) -> None:
        self.said: list[tuple[int, Problem]] = []  # of a file's number: what is not of a row that is kept
        self.rows = array("I")  # those with problems of their own, ascending
        self.counts = bytearray()  # how many each of them has
        self.withdrawn = array("I")
        self.begins: list[int] = []  # the first row of each file
        # Cells as the file has them, where the store's are others, each of the rows above. No file has a NUL in it.
        self._raw: dict[int, bytes] = {}

    def of_file(self, number: int, problem: Problem) -> None:
        self.said.append((number, problem))

    def of_row(self, row: int, count: int) -> None:
        self.rows.append(row)
        self.counts.append(count)

    def of_rows(self, rows: Sequence[int]) -> None:
        """One problem each."""
        self.rows.extend(rows)
        self.counts += b"\1" * len(rows)

    def keep_raw(self, row: int, cells: Sequence[str]) -> None:
        self._raw[row] = "\0".join(cells).encode("utf-8", "surrogatepass")

    def raw(self, row: int) -> Sequence[str] | None:
        kept = self._raw.get(row)
        return None if kept is None else kept.decode("utf-8", "surrogatepass").split("\0")

    def drop(self, gone: Sequence[int]) -> None:
        """Some rows, ascending, are no longer there: those after them have moved up."""
        left = set(gone)

        def moved(row: int) -> int:
            return row - bisect_left(gone, row)

        stays = [at for at, row in enumerate(self.rows) if row not in left]
        self.counts = bytearray(self.counts[at] for at in stays)
        self.rows = array("I", [moved(self.rows[at]) for at in stays])
        self.withdrawn = array("I", [moved(row) for row in self.withdrawn if row not in left])
        self.begins = list(map(moved, self.begins))
        self._raw = {moved(row): raw for row, raw in self._raw.items() if row not in left}


class Findings(Sequence[Problem]):
    """The problems of a list in the order of its files and their lines, each file's own before its rows'.

    `otherwise` has the line of an earlier answer for rows whose last answer says that the person is not coming. Equal
    to every sequence of equal problems.
    """

    def __init__(self, records: Records, noted: Noted, doubles: Doubles, otherwise: Mapping[int, int]) -> None:
        self._records = records
        self._noted = noted
        self._doubles = doubles
        self._otherwise = otherwise
        self._last: tuple[int, Sequence[Problem]] = (-1, ())
        self.of_files = tuple(problem for _, problem in sorted(noted.said, key=lambda it: (it[0], it[1].line or 0)))
        """What is no row's."""
        self._entries = array("Q", sorted(self._found()))

    def _found(self) -> Iterator[int]:
        noted = self._noted
        places = sorted((number, problem.line or 0) for number, problem in noted.said)
        for which, (number, line) in enumerate(places):
            yield _entry(2 * self._row_from(number, line), _OWN, which)
        of_rows = _entry(1, _OWN, 0)
        yield from [(row << _PLACE + 1) + of_rows for row in noted.rows]  # the first of each: a call for it would cost
        for at, count in enumerate(noted.counts):
            for which in range(1, count):
                yield _entry(2 * noted.rows[at] + 1, _OWN, which)
        for which, row in enumerate(self._doubles.rows):
            yield _entry(2 * row + 1, _DOUBLE, which)
        for row in noted.withdrawn:
            yield _entry(2 * row + 1, _WITHDRAWN, 0)

    def _row_from(self, number: int, line: int) -> int:
        """The first row of this file from this line on, else the next file's first."""
        first, *after = self._noted.begins[number : number + 2]
        stop = after[0] if after else len(self._records)
        return bisect_left(range(stop), line, first, key=self._records.line)

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, at: int) -> Problem: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Problem]: ...
    def __getitem__(self, at: int | slice) -> Problem | Sequence[Problem]:
        if isinstance(at, slice):
            return tuple(map(self._worded, self._entries[at]))
        return self._worded(self._entries[at])

    def __iter__(self) -> Iterator[Problem]:
        return map(self._worded, self._entries)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Findings | tuple | list):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as Python has it of what is equal by its items

    def __repr__(self) -> str:
        return f"<{len(self)} problems>"

    # --- in words -----------------------------------------------------------------------------------------------------

    def _worded(self, entry: int) -> Problem:
        place, sort, which = entry >> _PLACE, entry >> _SORT & 3, entry & _WHICH
        row = place // 2
        if not place % 2:
            return self.of_files[which]
        if sort == _DOUBLE:
            return self._double(which)
        if sort == _WITHDRAWN:
            return self._withdrawal(row)
        if self._last[0] != row:
            part = self._records.part_of(row)
            judged = judge(Row(self._raw(row), part.columns, part.file, self._records.line(row)))
            self._last = row, judged.problems
        return self._last[1][which]

    def _raw(self, row: int) -> Sequence[str]:
        return self._noted.raw(row) or self._records.cells(row)

    def _double(self, which: int) -> Problem:
        records, doubles = self._records, self._doubles
        row, other, kind = doubles.rows[which], doubles.others[which], doubles.kinds[which]
        columns = records.part_of(row).columns
        there = where(records, other, row)
        own, _, wire = records.identity(row)
        if kind == SAME_ADDRESS:
            message = f"“{wire}” is already in {there}."
            hint = "Delete one of the two rows; if two people share this mailbox, tell them apart in a column “id”."
            return self._of_row(
                "error", "duplicate-attendee", message, row, address_column(columns, records.cells(row)), hint
            )
        message = f"The id “{own}” is {'also' if kind == ID_MOVES else 'already'} in {there}"
        message += "." if kind == SAME_ID else ", with another address."
        hint = "Delete one of the two rows, or correct its id."
        return self._of_row("error", "duplicate-attendee", message, row, columns.id, hint)

    def _withdrawal(self, row: int) -> Problem:
        """The status says that the person is not coming. Who cancelled one registration and has another that stands is
        coming, so that row is invited all the same."""
        record = self._records[row]
        column = withdrawal_column(record.columns, record.cells)
        reason = f"{'the status is' if column in record.columns.statuses else 'the list says'} “{record.withdrawn}”"
        live = self._doubles.live(record.key)
        if live is not None:
            there = where(self._records, live, row)
            message = f"Left out, because {reason}; the same person is in {there} without it, and that row counts."
        elif row in self._otherwise:
            message = (
                f"Not mailed, because {reason}. The answer in line {self._otherwise[row]} was another; the last counts."
            )
        else:
            message = f"Not mailed, because {reason}."
        return self._of_row("warning", "withdrawn", message, row, column, None)

    def _of_row(
        self, severity: Severity, code: str, message: str, row: int, column: int | None, hint: str | None
    ) -> Problem:
        """A finding in one cell, whose value is as the file has it, but for the space around it and how its lines
        end: these are kept of no row that passed among many."""
        part, raw = self._records.part_of(row), self._raw(row)
        header = None if column is None else part.columns.headers[column]
        value = None if column is None else raw[column].strip().replace("\r\n", "\n").replace("\r", "\n")
        return Problem(severity, code, message, part.file, self._records.line(row), header, value, hint)


def _entry(place: int, sort: int, which: int) -> int:
    return place << _PLACE | sort << _SORT | which


def where(records: Records, row: int, seen_from: int) -> str:
    """The place of a row, in words beside another row."""
    line = f"line {records.line(row)}"
    return line if records.file(row) == records.file(seen_from) else f"{records.file(row)}, {line}"

"""Records to attendees: who each one is, and everything that is wrong with it."""

import gc
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress, groupby, islice, takewhile
from pathlib import Path

from tui import address
from tui.address import AddressError
from tui.attendees import exports, repeats
from tui.attendees.columns import Columns, ColumnSettings, find_header, nearest, squash, understand
from tui.attendees.doubles import Doubles, repeated
from tui.attendees.findings import Findings, Noted, where
from tui.attendees.judging import Row, judge
from tui.attendees.sieve import sift
from tui.attendees.store import (
    ERROR,
    NO_ADDRESS,
    SHIFTED,
    WITHDRAWN,
    Attendee,
    Chosen,
    Records,
    Writer,
    own_id,
    withdrawal_column,
)
from tui.attendees.tables import Source, Table, open_source
from tui.attendees.text import Batch, Content, DamageError, Record
from tui.clean import one_line
from tui.errors import InputError, Problem

Seen = Callable[[Sequence[Attendee]], object]
"""Is told of the records that there are so far, while more are being read."""

_TOLD_AFTER = 20_000  # rows, and again after as many more
# How far down a platform's report may put its header.
_PREAMBLE = 200
_SEPARATORS = ",; \t\r\n\xa0"
# Problems that no row carries, so that leaving rows out does not mend them.
_OF_A_FILE = frozenset(
    {"empty-file", "no-attendees", "no-address-column", "encoding", "unclosed-quote", "duplicate-column", "bad-event"}
)


@dataclass(frozen=True, slots=True)
class AttendeeList:
    """All the attendee files of a run as one list.

    `records` are all that hold a person, in the order of the files, with errors and withdrawn ones too; `problems` are
    in the same order, each file's own first. `columns` has one entry for each file with a usable header. `encodings`
    and `delimiters` have one for each file ("" where it could not be decoded, or has no delimiter).
    """

    files: tuple[str, ...]
    records: Records
    problems: Findings
    columns: tuple[Columns, ...]
    encodings: tuple[str, ...]
    delimiters: tuple[str, ...] = ()

    @property
    def attendees(self) -> Sequence[Attendee]:
        """The records that are to be mailed: neither withdrawn nor with an error."""
        return Chosen(self.records, self.records.rows_without(ERROR | WITHDRAWN))

    @property
    def withdrawn(self) -> Sequence[Attendee]:
        """The people who withdrew: records that say so, where no other record of the same person says otherwise."""
        records = self.records
        rows = records.rows_with(WITHDRAWN)
        keys = {records[row].key for row in rows}
        if keys:
            said = enumerate(records.identities())
            keys -= {key for row, (key, _) in said if key in keys and not records.is_withdrawn(row)}
        return Chosen(records, [row for row in rows if records[row].key in keys])

    @property
    def attendees_count(self) -> int:
        """The contract's `attendees`: with errors or not, withdrawn ones left out."""
        return len(self.records) - self.records.marked(WITHDRAWN)

    @property
    def file_errors(self) -> tuple[Problem, ...]:
        """The errors that are a file's and not a row's: no row can be left out to be rid of them."""
        of_files = self.problems.of_files
        return tuple(problem for problem in of_files if problem.severity == "error" and problem.code in _OF_A_FILE)

    def groups(self) -> dict[str, int]:
        """How many of the `attendees_count` are in each group, in the order of their first."""
        return dict(self.records.groups)


def load(
    files: Sequence[Path | str], columns: ColumnSettings, *, encoding: str | None = None, seen: Seen | None = None
) -> AttendeeList:
    """Reads attendee files as one list. Everything that is wrong inside a file is among the list's problems.

    `seen` is told of the first records as soon as there are any, and now and then of more. It may look at them from
    another thread; who is there twice is known only at the end.

    Raises InputError where a file is missing, unreadable or a folder, UsageError for an encoding that does not exist.
    """
    with _no_garbage_collection():
        reading = _Reading(columns, encoding, seen, several=len(files) > 1)
        for file in files:
            try:
                reading.read(str(file))
            except OSError as error:  # in the midst of it: a disk that fails, a share that is gone
                reason = error.strerror or str(error)
                raise InputError(f"{file} cannot be read to its end: {reason}.", code="unreadable") from error
        return reading.result()


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A million new tuples make the collector run for longer than the reading takes, and stall every other thread.

    With two loads at a time the one that found it enabled enables it again, whichever ends first.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Reading:
    """One call of `load`: what has been read so far, and who has been seen."""

    def __init__(
        self, settings: ColumnSettings, encoding: str | None, seen: Seen | None = None, *, several: bool
    ) -> None:
        self.settings = settings
        self.encoding = encoding
        self.seen = seen
        self.several = several
        self.told_at = 1  # how many rows there must be for `seen` to be told
        self.so_far: Records | None = None  # what it was shown, until another file begins
        self.files: list[str] = []
        self.store = Writer()
        self.noted = Noted()
        self.columns: dict[int, Columns] = {}  # of a file's number
        self.encodings: list[str] = []
        self.delimiters: list[str] = []
        # A hash of each row's address, and of its id where the file has such a column; of a row that is nobody's double
        # (it is withdrawn, or has no address) its own number. Equal hashes are looked into, so none is a verdict.
        self.addresses = array("q")
        self.ids = array("q")
        self.contents: list[tuple[Content, str]] = []  # of each file that held people, and the file

    def result(self) -> AttendeeList:
        for number, problem in self._settings_without_column():
            self.noted.of_file(number, problem)
        otherwise = self._drop_repeats(self.store.records())
        records = self.store.records()
        doubles = Doubles(records, self.store.mark, self._may_be_double(records))
        return AttendeeList(
            files=tuple(self.files),
            records=records,
            problems=Findings(records, self.noted, doubles, otherwise),
            columns=tuple(self.columns.values()),
            encodings=tuple(self.encodings),
            delimiters=tuple(self.delimiters),
        )

    def read(self, file: str) -> None:
        """One file: find its header, understand it, and only then judge its rows."""
        self.files.append(file)
        self.noted.begins.append(len(self.store))
        self.encodings.append("")
        self.delimiters.append("")
        try:
            source = open_source(Path(file), self.encoding)
            self.encodings[-1] = source.encoding
            first = next((earlier for content, earlier in self.contents if content.equals(source.content)), None)
            if first is not None:
                self._same_file(file, first)
                return
            found = self._find_header(source, file)
            if found is None:
                return
            table, header = found
            self.delimiters[-1] = table.delimiter
            columns = self._understood(table, header, file)
            if columns is not None:
                self.columns[len(self.files) - 1] = columns
                before = len(self.store)
                self._read_rows(table, header, columns, file)
                if len(self.store) > before:
                    self.contents.append((source.content, file))
        except DamageError as damage:
            self._file_error(damage.code, file, damage.message, damage.hint, damage.line)

    def _same_file(self, file: str, first: str) -> None:
        """One error for a file that was named, or downloaded, twice, rather than one for each person in it."""
        message = (
            "This file is given twice. It is read once."
            if Path(file) == Path(first)
            else f"This file is the same as {first}, to the byte. It is read once."
        )
        self._file_error("duplicate-attendee", file, message, "Name it once.")

    # --- a file's header ----------------------------------------------------------------------------------------------

    def _find_header(self, source: Source, file: str) -> tuple[Table, int] | None:
        """The way to read the file in which an address column shows, and the index of its header record.

        Of several delimiters the one that gives the most columns; of several sheets the first. Raises DamageError.
        """
        best: tuple[int, Table, int] | None = None
        shown: list[Record] = []  # the reading with the most columns, for words about a header that was not found
        damage: DamageError | None = None
        for table in source.tables:
            head, broken = _head(table)
            at = find_header(head, self.settings)
            if at is not None and (best is None or (len(head[at][1]) > best[0] and not table.is_sheet)):
                best = len(head[at][1]), table, at
            filled = [record for record in head if "".join(record[1]).strip(_SEPARATORS)]
            if filled and (not shown or len(filled[0][1]) > len(shown[0][1])):
                shown = filled
            damage = damage or broken
        if best is not None:
            return best[1], best[2]
        if damage is not None:
            raise damage
        if shown:
            self._no_address_column(file, shown)
        else:
            self._file_error("empty-file", file, "The file is empty.", "Export the list again.")
        return None

    def _no_address_column(self, file: str, head: Sequence[Record]) -> None:
        line, cells = head[0]
        headers = [one_line(cell) for cell in cells]
        wanted = self.settings.email
        message = (
            f"There is no column “{wanted}”, which event.toml names as the address column."
            if wanted
            else "No column for the e-mail addresses was found, such as “email” or “e-mail address”."
        )
        with_addresses = next(
            (at for at in range(len(cells)) if any(_is_address(row[at]) for _, row in head if at < len(row))), None
        )
        close = nearest(wanted or "email", headers) or nearest("email address", headers)
        if any(map(_is_address, cells)):
            hint = f"Line {line} holds an address: put a line above it that names the columns, such as name,email."
        elif with_addresses is not None:
            header = headers[with_addresses]
            hint = f'Are they in “{header}”? Then say so in event.toml, under [columns]: email = "{header}".'
        elif close:
            hint = f'Did you mean “{close}”? Then say so in event.toml, under [columns]: email = "{close}".'
        else:
            hint = "Name the column in the file's first line, or in event.toml under [columns]."
        self._file_error("no-address-column", file, message, hint)

    def _understood(self, table: Table, header: int, file: str) -> Columns | None:
        """The columns, unless something is so wrong with them that rows cannot be judged."""
        head, _ = _head(table)
        line, cells = head[header]
        section = exports.section_of([row for _, row in head], header)
        sample = [row for _, row in _within(section, iter(head[header + 1 :]))]
        columns, problems = understand(cells, self.settings, file, line, sample)
        for problem in problems:
            self.noted.of_file(len(self.files) - 1, problem)
        return None if any(problem.severity == "error" for problem in problems) else columns

    def _settings_without_column(self) -> Iterator[tuple[int, Problem]]:
        """What `[columns]` names and no file has, or one has under nearly that name; with the file's number.

        To send without a status would mail who withdrew; a misspelt internal column would leave unprotected. But a list
        may well have no groups, or none of the columns that are internal in another.
        """
        settings = self.settings
        known = {squash(header) for columns in self.columns.values() for header in columns.headers}
        for role in ("name", "id", "status", "group"):
            wanted = getattr(settings, role)
            if self.columns and wanted and squash(wanted) not in known:
                number, close = self._nearest(wanted, 0.6, set())
                if close or role != "group":
                    yield number, _setting_problem(f'{role} = "{wanted}"', wanted, self.files[number], close)
        protected = set(map(squash, settings.internal))
        for wanted in settings.internal:
            lacking = [
                number for number, each in self.columns.items() if squash(wanted) not in map(squash, each.headers)
            ]
            near = ((number, self._nearest(wanted, 0.75, protected, number)[1]) for number in lacking)
            for number, close in near:
                if close:
                    yield number, _setting_problem(f"internal “{wanted}”", wanted, self.files[number], close)

    def _nearest(self, wanted: str, cutoff: float, taken: set[str], only: int | None = None) -> tuple[int, str | None]:
        """The header most like this one, and the number of the file that has it; else the first file, and None."""
        for number, columns in self.columns.items():
            if only in (None, number):
                headers = [header for header in columns.headers if squash(header) not in taken]
                close = nearest(wanted, headers, cutoff)
                if close:
                    return number, close
        return next(iter(self.columns)), None

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _read_rows(self, table: Table, header: int, columns: Columns, file: str) -> None:
        width, before = len(columns.headers), len(self.store)
        self.store.begin(file, Path(file).stem if self.several else "", columns)
        self.so_far = None

        def is_record(cells: list[str]) -> bool:
            return len(cells) == width > 1 and _is_address(cells[columns.address].strip())

        section = exports.section_of([cells for _, cells in _head(table)[0]], header)
        for lines, rows in _below(header, section, table.batches(is_record)):
            self._read_batch(lines, rows, columns, file)
            if self.seen is not None and len(self.store) >= self.told_at:
                self._tell(self.seen)
        if len(self.store) == before:
            hint = "Were the people exported too, or are they in another file?"
            self._file_error("no-attendees", file, "The file has a header and nobody under it.", hint)

    def _tell(self, seen: Seen) -> None:
        # One object for a whole file: somebody who was looked at stays the same.
        self.so_far = self.so_far or self.store.records()
        self.told_at = len(self.store) + _TOLD_AFTER
        seen(Chosen(self.so_far, range(len(self.store))))

    def _read_batch(self, lines: Sequence[int], rows: Sequence[list[str]], columns: Columns, file: str) -> None:
        """Judges one by one the rows of which that must be done, and stores all."""
        width = len(columns.headers)
        if not all(map(any, rows)):
            lines, rows = _only(lines, rows, [any(cells) for cells in rows])
        if [*map(len, rows)].count(width) == len(rows):
            self._read_shaped(lines, rows, columns, file)
            return
        for is_shaped, run in groupby(range(len(rows)), key=lambda at: len(rows[at]) == width):
            at = list(run)
            if is_shaped:
                self._read_shaped(lines[at[0] : at[-1] + 1], rows[at[0] : at[-1] + 1], columns, file)
            else:
                for each in at:
                    self._read_row(rows[each], columns, file, lines[each])

    def _read_shaped(self, lines: Sequence[int], rows: Sequence[list[str]], columns: Columns, file: str) -> None:
        """Rows with as many cells as there are headers."""
        if not rows:
            return
        sifted = sift(rows, columns)
        begin = 0
        for end in (*sifted.odd, len(rows)):
            first = len(self.store)
            self.store.extend(lines[begin:end], sifted.rows[begin:end], sifted.marks[begin:end])
            self.addresses.extend(map(hash, sifted.keys[begin:end]))
            if columns.id is not None:
                self._note_ids(first, sifted.ids[begin:end])
            if sifted.wrong:
                wrong = [first + at - begin for at in range(begin, end) if sifted.marks[at] & NO_ADDRESS]
                for row in wrong:
                    self.addresses[row] = row
                self.noted.of_rows(wrong)
            if end < len(rows):
                self._read_row(rows[end], columns, file, lines[end])
            begin = end + 1

    def _note_ids(self, first: int, ids: Sequence[str]) -> None:
        """The ids of the rows from `first` on; of rows before them none had one."""
        self.ids.extend(range(len(self.ids), first))
        self.ids.extend(hash(own) if own else row for row, own in enumerate(ids, first))

    def _read_row(self, raw: list[str], columns: Columns, file: str, line: int) -> None:
        if not "".join(raw).strip(_SEPARATORS):
            return
        row = Row(raw, columns, file, line)
        at, verdict = len(self.store), judge(row)
        mailbox, is_live = verdict.mailbox, not verdict.marks & (SHIFTED | WITHDRAWN)
        if verdict.problems:
            self.noted.of_row(at, len(verdict.problems))
        if verdict.withdrawal is not None:
            self.noted.withdrawn.append(at)
        if tuple(raw) != row.cells:
            self.noted.keep_raw(at, raw)
        own = own_id(columns, row.cells)
        self.addresses.append(hash(mailbox.key) if mailbox and is_live else at)
        if columns.id is not None:
            self._note_ids(at, [own if is_live else ""])
        key, wire = (mailbox.key, mailbox.wire) if mailbox else (f"{file}:{line}", row.raw_cell(row.address))
        self.store.add(line, row.cells, verdict.marks, key, wire)

    # --- people who are there twice -----------------------------------------------------------------------------------

    def _may_be_double(self, records: Records) -> Sequence[int]:
        """The rows that share an id, an address or the hash of one with another, or with somebody who withdrew."""
        hashes = {hash(records[row].key) for row in self.noted.withdrawn}
        hashes |= repeated(self.addresses) | repeated(self.ids)
        if not hashes:
            return ()
        rows = {row for found in (self.addresses, self.ids) for row, each in enumerate(found) if each in hashes}
        return sorted(rows)

    def _drop_repeats(self, records: Records) -> Mapping[int, int]:
        """Leaves out the rows that do not count, because the same person is there again (`repeats`).

        Says so of answers that took a "no" back; the rows whose last answer is a "no" are returned, each with the line
        of an earlier one that was not.
        """
        if all(part.columns.answered is None and not part.columns.joins for part in records.parts):
            return {}
        rows = sorted({*self._may_be_double(records), *self.noted.withdrawn})
        superseded = repeats.superseded(records, rows)
        if not superseded:
            return {}
        gone = sorted(superseded)
        otherwise = {}
        for row in gone:
            last = superseded[row]
            if records.is_withdrawn(last) and not records.is_withdrawn(row):
                otherwise[last - bisect_left(gone, last)] = records.line(row)
            elif records.is_withdrawn(row) and not records.is_withdrawn(last):
                self._taken_back(records, row, last)
        self.store = self.store.without(gone)
        self.noted.drop(gone)
        left = set(gone)
        self.addresses, self.ids = (
            array("q", (each for row, each in enumerate(found) if row not in left))
            for found in (self.addresses, self.ids)
        )
        return otherwise

    def _taken_back(self, records: Records, row: int, last: int) -> None:
        record = records[row]
        column = withdrawal_column(record.columns, record.cells)
        if column is None:
            return
        message = (
            f"Left out, because the answer was “{record.withdrawn}”; the same person answered again in "
            f"{where(records, last, row)}, and the last answer counts."
        )
        header, cell = record.columns.headers[column], (self.noted.raw(row) or record.cells)[column]
        problem = Problem("warning", "withdrawn", message, record.file, record.line, header, cell)
        self.noted.of_file(self.files.index(record.file), problem)

    def _file_error(self, code: str, file: str, message: str, hint: str, line: int | None = None) -> None:
        self.noted.of_file(len(self.files) - 1, Problem("error", code, message, file, line, hint=hint))


def _below(header: int, section: exports.Section | None, batches: Iterator[Batch]) -> Iterator[Batch]:
    """The records under a header, up to the title of a report's next section."""
    above = header + 1
    for lines, rows in batches:
        below = len(rows)
        if section is not None:
            titles = (at for at in range(above, len(rows)) if exports.begins_section(rows[at], section))
            below = next(titles, below)
        yield lines[above:below], rows[above:below]
        if below < len(rows):
            return
        above = max(0, above - len(rows))


def _only(lines: Sequence[int], rows: Sequence[list[str]], wanted: Sequence[bool]) -> Batch:
    return list(compress(lines, wanted)), list(compress(rows, wanted))


def _within(section: exports.Section | None, records: Iterator[Record]) -> Iterator[Record]:
    """The records up to the title of a report's next section."""
    if section is None:
        return records
    return takewhile(lambda record: not exports.begins_section(record[1], section), records)


def _head(table: Table) -> tuple[list[Record], DamageError | None]:
    """The first records of a table; and why there are no more of them, where the reason is damage."""
    head: list[Record] = []
    try:
        head.extend(islice(table.rows(_never), _PREAMBLE))
    except DamageError as damage:
        return head, damage
    return head, None


def _never(_: list[str]) -> bool:
    return False


def _is_address(cell: str) -> bool:
    try:
        address.parse(cell.strip())
    except AddressError:
        return False
    return True


def _setting_problem(setting: str, wanted: str, file: str, close: str | None) -> Problem:
    return Problem(
        "error",
        "bad-event",
        f"event.toml names {setting} under [columns], and there is no such column.",
        file,
        value=wanted,
        hint=f"Did you mean “{close}”?" if close else "Name one of the file's columns, or take it out of event.toml.",
    )

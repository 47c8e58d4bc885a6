"""Records to attendees: who each one is, and everything that is wrong with it."""

import gc
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress, groupby, islice, takewhile
from pathlib import Path
from typing import Literal

from tui import address
from tui.address import Address, AddressError
from tui.attendees import exports
from tui.attendees.columns import Columns, ColumnSettings, find_header, nearest, squash, understand
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
    address_column,
    own_id,
    withdrawal_column,
)
from tui.attendees.tables import Source, Table, open_source
from tui.attendees.text import Batch, Content, DamageError, Record
from tui.clean import bare_address, body_text, one_line
from tui.errors import Problem

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

# White space inside an address is never dropped: "ana@example.org uk" must not become somebody's address.
_BREAKS = str.maketrans(dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029", " "))


@dataclass(frozen=True, slots=True)
class AttendeeList:
    """All the attendee files of a run as one list.

    `records` are all that hold a person, in the order of the files, with errors and withdrawn ones too; `problems` are
    in the same order, each file's own first. `columns` has one entry for each file with a usable header. `encodings`
    and `delimiters` have one for each file ("" where it could not be decoded, or has no delimiter).
    """

    files: tuple[str, ...]
    records: Records
    problems: tuple[Problem, ...]
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
        return tuple(problem for problem in self.problems if problem.severity == "error" and problem.code in _OF_A_FILE)

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
            reading.read(str(file))
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
        self.problems: list[Problem] = []
        self.columns: list[Columns] = []
        self.encodings: list[str] = []
        self.delimiters: list[str] = []
        # A hash of each row's address, and of its id where the file has such a column; of a row that is nobody's double
        # (it is withdrawn, or has no address) its own number. Equal hashes are looked into, so none is a verdict.
        self.addresses = array("q")
        self.ids = array("q")
        self.withdrawn: list[tuple[int, int, str]] = []  # row, the column that says so, and its cell in the file
        self.contents: list[tuple[Content, str]] = []  # of each file that held people, and the file

    def result(self) -> AttendeeList:
        records = self.store.records()
        doubles = _Doubles(records, self.store.mark, self._may_be_double(records))
        self.problems += doubles.problems
        self.problems += self._settings_without_column()
        self.problems += self._withdrawals(records, doubles)
        order = {file: at for at, file in enumerate(self.files)}
        self.problems.sort(key=lambda problem: (order.get(problem.file or "", -1), problem.line or 0))
        return AttendeeList(
            files=tuple(self.files),
            records=records,
            problems=tuple(self.problems),
            columns=tuple(self.columns),
            encodings=tuple(self.encodings),
            delimiters=tuple(self.delimiters),
        )

    def read(self, file: str) -> None:
        """One file: find its header, understand it, and only then judge its rows."""
        self.files.append(file)
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
                self.columns.append(columns)
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
        self.problems.extend(problems)
        return None if any(problem.severity == "error" for problem in problems) else columns

    def _settings_without_column(self) -> Iterator[Problem]:
        """What `[columns]` names and no file has: to send without it would mail the withdrawn, or leak the internal."""
        if not self.columns:
            return
        headers = [header for columns in self.columns for header in columns.headers]
        known = set(map(squash, headers))
        settings = self.settings
        for role, wanted in (("name", settings.name), ("id", settings.id), ("status", settings.status)):
            if wanted and squash(wanted) not in known:
                yield _setting_error(f'{role} = "{wanted}"', wanted, self.files[0], nearest(wanted, headers))
        for wanted in settings.internal:
            # One that is simply not in this file protects nothing that is there; a misspelt one leaves it unprotected.
            close = nearest(wanted, headers, cutoff=0.75)
            if squash(wanted) not in known and close:
                yield _setting_error(f'internal = ["{wanted}"]', wanted, self.files[0], close)

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
            if end < len(rows):
                self._read_row(rows[end], columns, file, lines[end])
            begin = end + 1

    def _note_ids(self, first: int, ids: Sequence[str]) -> None:
        """The ids of the rows from `first` on; of rows before them none had one."""
        self.ids.extend(range(len(self.ids), first))
        self.ids.extend(hash(own) if own else row for row, own in enumerate(ids, first))

    def _read_row(self, raw: list[str], columns: Columns, file: str, line: int) -> None:
        text = "".join(raw)
        if not text.strip(_SEPARATORS):
            return
        row = _Row(raw, text, columns, file, line)
        at, cells = len(self.store), row.cells
        mailbox, problems = _judged_address(row)
        withdrawal = withdrawal_column(columns, cells) if columns.statuses or columns.withdrawals else None
        shape = _misshapen(row) if len(raw) != len(cells) else None
        marks = 0 if mailbox else NO_ADDRESS
        if shape is not None and shape.severity == "error":
            # What stands under which header is anybody's guess: the address, the group, a "no" under "Status".
            problems, withdrawal = [shape], None
            marks |= SHIFTED | ERROR
        elif withdrawal is not None:
            # The other faults of this row keep nobody from being mailed, so they are not worth a word.
            problems = []
            marks |= WITHDRAWN
            self.withdrawn.append((at, withdrawal, row.raw_cell(withdrawal)))
        else:
            problems += [shape] if shape else ()
            problems += () if row.is_plain else _hidden_in_names(row)
            marks |= ERROR if any(problem.severity == "error" for problem in problems) else 0
        is_live = not marks & (SHIFTED | WITHDRAWN)
        own = own_id(columns, cells)
        self.addresses.append(hash(mailbox.key) if mailbox and is_live else at)
        if columns.id is not None:
            self._note_ids(at, [own if is_live else ""])
        key, wire = (mailbox.key, mailbox.wire) if mailbox else (f"{file}:{line}", row.raw_cell(row.address))
        self.store.add(line, cells, marks, key, wire)
        self.problems += problems

    # --- people who are there twice -----------------------------------------------------------------------------------

    def _may_be_double(self, records: Records) -> Sequence[int]:
        """The rows that share an id, an address or the hash of one with another, or with somebody who withdrew."""
        hashes = {hash(records[row].key) for row, _, _ in self.withdrawn}
        hashes |= _repeated(self.addresses) | _repeated(self.ids)
        if not hashes:
            return ()
        rows = {row for found in (self.addresses, self.ids) for row, each in enumerate(found) if each in hashes}
        return sorted(rows)

    def _withdrawals(self, records: Records, doubles: "_Doubles") -> Iterator[Problem]:
        """A warning for each row whose status says that the person is not coming; told at the end, when all are known.

        Who cancelled one registration and has another that stands is coming, so that row is invited all the same.
        """
        for row, column, cell in self.withdrawn:
            record = records[row]
            live = doubles.live(record.key)
            reason = "the status is" if column in record.columns.statuses else "the list says"
            message = f"Not mailed, because {reason} “{record.withdrawn}”."
            if live is not None:
                message = (
                    f"Left out, because {reason} “{record.withdrawn}”; the same person is in "
                    f"{_where(records, live, row)} without it, and that row counts."
                )
            header = record.columns.headers[column]
            yield Problem("warning", "withdrawn", message, record.file, record.line, header, cell)

    def _file_error(self, code: str, file: str, message: str, hint: str, line: int | None = None) -> None:
        self.problems.append(Problem("error", code, message, file, line, hint=hint))


class _Doubles:
    """Who is there twice, among the rows that may be: told apart by whole ids and addresses, never by a hash.

    Two rows with ids of their own are two people, even where they share a mailbox. One id with two addresses leaves
    open which is right, so both rows get an error.
    """

    def __init__(self, records: Records, mark: Callable[[int, int], None], rows: Iterable[int]) -> None:
        self.problems: list[Problem] = []
        self._records = records
        self._mark = mark
        self._by_address: dict[str, int] = {}  # address key -> the first live row with it
        self._by_id: dict[str, int] = {}
        self._has_id: set[int] = set()
        for row in rows:
            if not records.marks(row) & (SHIFTED | WITHDRAWN):
                self._judge(row)

    def live(self, key: str) -> int | None:
        """The row of somebody with this key who did not withdraw."""
        return self._by_id.get(key, self._by_address.get(key))

    def _judge(self, row: int) -> None:
        records, columns = self._records, self._records.part_of(row).columns
        own, key, wire = records.identity(row)
        if own:
            self._has_id.add(row)
            earlier = self._by_id.setdefault(own, row)
            if earlier != row:
                self._same_id(row, own, wire, earlier)
                return
        if records.marks(row) & NO_ADDRESS:
            return
        earlier = self._by_address.setdefault(key, row)
        if earlier == row or (own and earlier in self._has_id):
            return
        message = f"“{wire}” is already in {_where(records, earlier, row)}."
        hint = "Delete one of the two rows; if two people share this mailbox, tell them apart in a column “id”."
        self._error(row, message, address_column(columns, records.cells(row)), wire, hint)

    def _same_id(self, row: int, own: str, wire: str, earlier: int) -> None:
        records = self._records
        hint = "Delete one of the two rows, or correct its id."
        message = f"The id “{own}” is already in {_where(records, earlier, row)}"
        id_column, id_before = records.part_of(row).columns.id, records.part_of(earlier).columns.id
        if not records.marks(row) & NO_ADDRESS and wire == records.identity(earlier)[2]:
            self._error(row, message + ".", id_column, own, hint)
            return
        also = f"The id “{own}” is also in {_where(records, row, earlier)}, with another address."
        self._error(earlier, also, id_before, own, hint)
        self._error(row, message + ", with another address.", id_column, own, hint)

    def _error(self, row: int, message: str, column: int | None, value: str, hint: str) -> None:
        self._mark(row, ERROR)
        part = self._records.part_of(row)
        header = part.columns.headers[column] if column is not None else None
        line = self._records.line(row)
        self.problems.append(Problem("error", "duplicate-attendee", message, part.file, line, header, value, hint))


def _repeated(hashes: Sequence[int]) -> set[int]:
    """The hashes that occur more than once."""
    if len(set(hashes)) == len(hashes):
        return set()
    seen: set[int] = set()
    return {each for each in hashes if each in seen or seen.add(each)}  # type: ignore[func-returns-value]


class _Row:
    """One record and its place: the cells as the file has them, and as a message may have them."""

    __slots__ = ("cells", "columns", "file", "is_plain", "line", "raw")

    def __init__(self, raw: list[str], text: str, columns: Columns, file: str, line: int) -> None:
        self.raw = raw
        self.columns = columns
        self.file = file
        self.line = line
        self.is_plain = text.isascii() and text.isprintable()  # nothing in it to be cleaned away
        self.cells = tuple(map(str.strip, raw if self.is_plain else map(body_text, raw)))
        width = len(columns.headers)
        if len(raw) != width:
            self.cells = (*self.cells, *[""] * (width - len(raw)))[:width]

    def raw_cell(self, at: int) -> str:
        return self.raw[at] if at < len(self.raw) else ""

    @property
    def address(self) -> int:
        return address_column(self.columns, self.cells)

    def problem(
        self,
        severity: Literal["error", "warning"],
        code: str,
        message: str,
        column: int | None = None,
        value: str | None = None,
        hint: str | None = None,
    ) -> Problem:
        """A finding in this row; its value is the cell's as the file has it, unless another is given."""
        header = None if column is None else self.columns.headers[column]
        if value is None and column is not None:
            value = self.raw_cell(column)
        return Problem(severity, code, message, self.file, self.line, header, value, hint)


def _judged_address(row: _Row) -> tuple[Address | None, list[Problem]]:
    """The row's mailbox, if its address cell is one, and what is wrong with that cell."""
    at = row.address
    raw = row.raw_cell(at)
    is_plain = row.is_plain or (raw.isascii() and raw.isprintable())
    text = raw.strip() if is_plain else bare_address(raw.translate(_BREAKS))
    if not text:
        hint = "Fill it in, or delete the row."
        return None, [row.problem("error", "missing-address", "This person has no e-mail address.", at, hint=hint)]
    try:
        mailbox = address.parse(text)
    except AddressError as error:
        return None, [_bad_address(row, text, error)]
    problems = []
    if text != raw.strip(" "):
        message = "The address has invisible characters in it or around it. They are left out."
        problems.append(row.problem("warning", "hidden-characters", message, at, hint=f"It is used as {text}."))
    meant = address.suggest(mailbox.wire)
    if meant:
        message = f"“{text}” looks like a typing mistake."
        if "xn--" in mailbox.domain:
            message = f"“{text}” has letters after the @ that look like Latin ones and are not."
        problems.append(row.problem("warning", "likely-typo", message, at, hint=f"Did you mean {meant}?"))
    if not mailbox.is_ascii:
        message = f"“{text}” has letters before the @ that not every mail server takes. It is sent only where one does."
        problems.append(row.problem("warning", "non-ascii-address", message, at))
    return mailbox, problems


def _bad_address(row: _Row, text: str, error: AddressError) -> Problem:
    at = row.address
    if error.code == "several-addresses":
        hint = "Give each person a row of their own."
        if ":::" in text:  # Google Contacts: all of one person's addresses with the same label
            hint = "Leave only the one to be invited in the cell."
        return row.problem("error", error.code, "The cell holds more than one address.", at, hint=hint)
    hint = error.hint or "Correct it in the file, or delete the row."
    if squash(text) == squash(row.columns.headers[at]):
        hint = "This row is the header once more: delete it."
    elif exports.is_anonymous(text):
        hint += " A form wrote it for an answer without a name."
    shown = text if len(text) <= 80 else text[:79] + "…"
    return row.problem("error", error.code, f"“{shown}” is not an address: it {error.reason}.", at, hint=hint)


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


def _misshapen(row: _Row) -> Problem | None:
    """What is wrong with a row that has more cells than headers, or fewer; nothing where all of those are blank."""
    cells, headers = len(row.raw), row.columns.headers
    extra = next((cell for cell in row.raw[len(headers) :] if cell.strip()), None)
    if extra is not None:
        message = f"This row has {cells} cells under {len(headers)} headers, so they may be in the wrong columns."
        hint = (
            "Look for a cell with a comma in it (or whatever separates the cells here) and put it in quotation marks."
        )
        return row.problem("error", "extra-cells", message, value=extra, hint=hint)
    if any(headers[cells:]):
        message = f"This row has {cells} of the {len(headers)} cells that the header names; the others count as blank."
        hint = "Check that the row is complete and its cells are in the right columns."
        return row.problem("warning", "missing-cells", message, hint=hint)
    return None


def _hidden_in_names(row: _Row) -> list[Problem]:
    message = (
        "The name has a line break, or characters that cannot be seen, in it. A line break becomes a space, they go."
    )
    return [
        row.problem("warning", "hidden-characters", message, at, hint=f"It is used as “{one_line(row.raw_cell(at))}”.")
        for at in row.columns.name
        if _hides(row.raw_cell(at))
    ]


def _hides(name: str) -> bool:
    """Whether a name has line breaks, controls or bidi controls in it; joiners and odd spaces are how it is spelled."""
    return body_text(name) != name or "\n" in name or "\t" in name


def _where(records: Records, row: int, seen_from: int) -> str:
    """The place of a row, in words beside another row."""
    line = f"line {records.line(row)}"
    return line if records.file(row) == records.file(seen_from) else f"{records.file(row)}, {line}"


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


def _setting_error(setting: str, wanted: str, file: str, close: str | None) -> Problem:
    return Problem(
        "error",
        "bad-event",
        f"event.toml says {setting} under [columns], and there is no such column.",
        file,
        value=wanted,
        hint=f"Did you mean “{close}”?" if close else "Name one of the file's columns, or delete the line.",
    )

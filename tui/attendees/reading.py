"""Records to attendees: who each one is, and everything that is wrong with it."""

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from pathlib import Path
from typing import Literal

from tui import address
from tui.address import Address, AddressError
from tui.attendees import exports
from tui.attendees.columns import Columns, ColumnSettings, find_header, nearest, squash, understand
from tui.attendees.status import is_filled, means_withdrawn
from tui.attendees.tables import Source, Table, open_source
from tui.attendees.text import Content, DamageError, Record
from tui.clean import bare_address, body_text, one_line
from tui.errors import Problem

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


@dataclass(frozen=True, slots=True)
class AttendeeList:
    """All the attendee files of a run as one list.

    `records` are all that hold a person, in the order of the files, with errors and withdrawn ones too; `problems` are
    in the same order, each file's own first. `columns` has one entry for each file with a usable header, `encodings`
    one for each file ("" where it could not be decoded).
    """

    files: tuple[str, ...]
    records: tuple[Attendee, ...]
    problems: tuple[Problem, ...]
    columns: tuple[Columns, ...]
    encodings: tuple[str, ...]

    @property
    def attendees(self) -> tuple[Attendee, ...]:
        """The records that are to be mailed: neither withdrawn nor with an error."""
        return tuple(record for record in self.records if record.withdrawn is None and not record.has_error)

    @property
    def withdrawn(self) -> tuple[Attendee, ...]:
        """The people who withdrew: records that say so, where no other record of the same person says otherwise."""
        live = {record.key for record in self.records if record.withdrawn is None}
        return tuple(record for record in self.records if record.withdrawn is not None and record.key not in live)

    @property
    def attendees_count(self) -> int:
        """The contract's `attendees`: with errors or not, withdrawn ones left out."""
        return sum(record.withdrawn is None for record in self.records)

    @property
    def file_errors(self) -> tuple[Problem, ...]:
        """The errors that are a file's and not a row's: no row can be left out to be rid of them."""
        return tuple(problem for problem in self.problems if problem.severity == "error" and problem.code in _OF_A_FILE)

    def groups(self) -> dict[str, int]:
        """How many of the `attendees_count` are in each group, in the order of their first."""
        return dict(Counter(record.group for record in self.records if record.withdrawn is None))


def load(files: Sequence[Path | str], columns: ColumnSettings, *, encoding: str | None = None) -> AttendeeList:
    """Reads attendee files as one list. Everything that is wrong inside a file is among the list's problems.

    Raises InputError where a file is missing, unreadable or a folder, UsageError for an encoding that does not exist.
    """
    with _no_garbage_collection():
        reading = _Reading(columns, encoding, several=len(files) > 1)
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

    def __init__(self, settings: ColumnSettings, encoding: str | None, *, several: bool) -> None:
        self.settings = settings
        self.encoding = encoding
        self.several = several
        self.files: list[str] = []
        self.records: list[Attendee] = []
        self.problems: list[Problem] = []
        self.columns: list[Columns] = []
        self.encodings: list[str] = []
        self.by_address: dict[str, int] = {}  # address key -> index of the first live record with it
        self.by_id: dict[str, int] = {}
        self.has_id: set[int] = set()
        self.withdrawn: list[tuple[_Row, int, int]] = []  # row, index of its record, the column that says so
        self.contents: list[tuple[Content, str]] = []  # of each file that held people, and the file

    def result(self) -> AttendeeList:
        self.problems += self._settings_without_column()
        self.problems += self._withdrawals()
        order = {file: at for at, file in enumerate(self.files)}
        self.problems.sort(key=lambda problem: (order.get(problem.file or "", -1), problem.line or 0))
        return AttendeeList(
            files=tuple(self.files),
            records=tuple(self.records),
            problems=tuple(self.problems),
            columns=tuple(self.columns),
            encodings=tuple(self.encodings),
        )

    def read(self, file: str) -> None:
        """One file: find its header, understand it, and only then judge its rows."""
        self.files.append(file)
        self.encodings.append("")
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
            columns = self._understood(table, header, file)
            if columns is not None:
                self.columns.append(columns)
                before = len(self.records)
                self._read_rows(table, header, columns, file)
                if len(self.records) > before:
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
            close = nearest(wanted, headers, cutoff=0.8)
            if squash(wanted) not in known and close:
                yield _setting_error(f'internal = ["{wanted}"]', wanted, self.files[0], close)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _read_rows(self, table: Table, header: int, columns: Columns, file: str) -> None:
        width, before = len(columns.headers), len(self.records)
        label = Path(file).stem if self.several else ""

        def is_record(cells: list[str]) -> bool:
            return len(cells) == width > 1 and _is_address(cells[columns.address].strip())

        section = exports.section_of([cells for _, cells in _head(table)[0]], header)
        for line, cells in _within(section, islice(table.rows(is_record), header + 1, None)):
            text = "".join(cells)
            if text and text.strip(_SEPARATORS):
                self._read_row(_Row(cells, text, columns, file, line), label)
        if len(self.records) == before:
            hint = "Were the people exported too, or are they in another file?"
            self._file_error("no-attendees", file, "The file has a header and nobody under it.", hint)

    def _read_row(self, row: "_Row", label: str) -> None:
        cells, columns = row.cells, row.columns
        mailbox, problems = _judged_address(row)
        own_id = row.line_of(columns.id) if columns.id is not None else ""
        group = row.line_of(columns.group) if columns.group is not None else ""
        says_so = _withdrawal(row) if columns.statuses or columns.withdrawals else None
        withdrawn = None if says_so is None else row.says(says_so)
        shape = _misshapen(row) if len(row.raw) != len(cells) else None
        if shape is not None and shape.severity == "error":
            # What stands under which header is anybody's guess: the address, the group, a "no" under "Status".
            problems, group, withdrawn = [shape], "", None
        elif says_so is not None:
            # The other faults of this row keep nobody from being mailed, so they are not worth a word.
            problems = []
            self.withdrawn.append((row, len(self.records), says_so))
        else:
            problems += [shape] if shape else ()
            problems += () if row.is_plain else _hidden_in_names(row)
            problems += self._duplicate(row, mailbox, own_id)
        name = " ".join(filter(None, map(row.line_of, columns.name)))
        self.records.append(
            Attendee(
                own_id or (mailbox.key if mailbox else f"{row.file}:{row.line}"),
                mailbox.wire if mailbox else row.raw_cell(row.address),
                name or row.other_name(),
                group or label,
                row.file,
                row.line,
                cells,
                columns,
                withdrawn,
                bool(problems) and any(problem.severity == "error" for problem in problems),
            )
        )
        self.problems += problems

    def _withdrawals(self) -> Iterator[Problem]:
        """A warning for each row whose status says that the person is not coming; told at the end, when all are known.

        Who cancelled one registration and has another that stands is coming, so that row is invited all the same.
        """
        for row, at, column in self.withdrawn:
            record = self.records[at]
            live = self.by_id.get(record.key, self.by_address.get(record.key))
            reason = "the status is" if column in row.columns.statuses else "the list says"
            message = f"Not mailed, because {reason} “{record.withdrawn}”."
            if live is not None:
                message = (
                    f"Left out, because {reason} “{record.withdrawn}”; the same person is in "
                    f"{_where(self.records[live], row.file)} without it, and that row counts."
                )
            yield row.problem("warning", "withdrawn", message, column)

    def _duplicate(self, row: "_Row", mailbox: Address | None, own_id: str) -> list[Problem]:
        """The error of a row whose id, or whose address, an earlier row has; and notes who has been seen.

        Two rows with ids of their own are two people, even where they share a mailbox. One id with two addresses leaves
        open which is right, so the earlier row gets an error as well.
        """
        at = len(self.records)
        if own_id:
            self.has_id.add(at)
            earlier = self.by_id.setdefault(own_id, at)
            if earlier != at:
                return self._same_id(row, mailbox, own_id, earlier)
        if mailbox is None:
            return []
        earlier = self.by_address.setdefault(mailbox.key, at)
        if earlier == at or (own_id and earlier in self.has_id):
            return []
        where = _where(self.records[earlier], row.file)
        hint = "Delete one of the two rows; if two people share this mailbox, tell them apart in a column “id”."
        return [
            row.problem(
                "error",
                "duplicate-attendee",
                f"“{mailbox.wire}” is already in {where}.",
                row.address,
                mailbox.wire,
                hint,
            )
        ]

    def _same_id(self, row: "_Row", mailbox: Address | None, own_id: str, earlier: int) -> list[Problem]:
        first = self.records[earlier]
        hint = "Delete one of the two rows, or correct its id."
        message = f"The id “{own_id}” is already in {_where(first, row.file)}"
        if mailbox is not None and mailbox.wire == first.address:
            return [row.problem("error", "duplicate-attendee", message + ".", row.columns.id, own_id, hint)]
        self.records[earlier] = replace(first, has_error=True)
        there = f"{f'{row.file}, ' if row.file != first.file else ''}line {row.line}"
        self.problems.append(
            Problem(
                "error",
                "duplicate-attendee",
                f"The id “{own_id}” is also in {there}, with another address.",
                first.file,
                first.line,
                first.columns.headers[first.columns.id] if first.columns.id is not None else None,
                own_id,
                hint,
            )
        )
        return [
            row.problem(
                "error", "duplicate-attendee", message + ", with another address.", row.columns.id, own_id, hint
            )
        ]

    def _file_error(self, code: str, file: str, message: str, hint: str, line: int | None = None) -> None:
        self.problems.append(Problem("error", code, message, file, line, hint=hint))


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

    def line_of(self, at: int) -> str:
        """A cell on one line: a name, an id, a group."""
        cell = self.cells[at]
        return cell if self.is_plain and "  " not in cell else one_line(cell)

    def raw_cell(self, at: int) -> str:
        return self.raw[at] if at < len(self.raw) else ""

    @property
    def address(self) -> int:
        """The column that holds this row's address: where that is blank, another in which people have theirs."""
        columns = self.columns
        at = columns.address
        if columns.also and not (at < len(self.cells) and self.cells[at]):
            at = next((other for other in columns.also if self.cells[other]), at)
        return at

    def other_name(self) -> str:
        """The name, where the columns that should hold it are blank."""
        ways = (" ".join(filter(None, map(self.line_of, way))) for way in self.columns.other_names)
        return next(filter(None, ways), "")

    def says(self, at: int) -> str:
        """What a column says of a withdrawal: its status, or whatever was noted under "Cancelled"."""
        cell = self.line_of(at)
        return cell if at in self.columns.statuses else f"{self.columns.headers[at]}: {cell}"

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


def _withdrawal(row: _Row) -> int | None:
    """The column that says that this person is not coming."""
    cells, columns = row.cells, row.columns
    for at in columns.statuses:
        if cells[at] and means_withdrawn(cells[at]):
            return at
    return next((at for at in columns.withdrawals if cells[at] and is_filled(cells[at])), None)


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


def _where(earlier: Attendee, file: str) -> str:
    return f"line {earlier.line}" if earlier.file == file else f"{earlier.file}, line {earlier.line}"


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

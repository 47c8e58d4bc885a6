"""A file's header row, understood: which column is the address, the name, the group, and which must not leave."""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tui.attendees import exports
from tui.clean import bare_address, one_line
from tui.errors import Problem

# Enough to tell a person's row from a row of headers.
_IS_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_IN_ANY_MESSAGE = ("joinurl", "attachment")  # squashed: whatever the wording says, these columns are used


@dataclass(frozen=True, slots=True)
class ColumnSettings:
    """`[columns]` of event.toml: headers named by the organiser where ours are not recognised."""

    email: str | None = None
    name: str | None = None
    id: str | None = None
    group: str | None = None
    status: str | None = None
    internal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """One file's header row, understood. All numbers are 0-based indexes into a record's cells.

    `headers` are spelled as in the file; `placeholders` has each column's name in the wording, `by_header` its squashed
    header, both the first of those that share one: these are the `duplicates` (squashed), and nobody can tell which of
    them is meant.

    Where the cell under `address` is blank the first of `also` that is not counts, and where `name` is blank the first
    of `other_names`. A person withdrew if any of `statuses` says so or any of `withdrawals` is filled in.

    In a form's responses `answered` says when each was given; with `joins` a record is one time that somebody joined.
    Elsewhere each record is a person.
    """

    headers: tuple[str, ...]
    placeholders: Mapping[str, int] = field(hash=False)
    by_header: Mapping[str, int] = field(hash=False)
    address: int
    also: tuple[int, ...] = ()
    name: tuple[int, ...] = ()
    other_names: tuple[tuple[int, ...], ...] = ()
    id: int | None = None
    group: int | None = None
    statuses: tuple[int, ...] = ()
    withdrawals: tuple[int, ...] = ()
    internal: frozenset[int] = frozenset()
    duplicates: frozenset[str] = frozenset()
    answered: int | None = None
    joins: bool = False

    def __hash__(self) -> int:
        # Of all fourteen fields it would take longer than all else that is looked up for a message.
        return hash(self.headers)


def squash(header: str) -> str:
    """`header` as headers are matched: without regard to case, spaces, `_` and `-`."""
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", header).casefold())


def normalise_header(header: str) -> str:
    """`header` as the wording names it: `First Name` -> `first_name`.

    Of other punctuation nothing is left, so the name of a header such as `#` is "": it is reached as `attendee["#"]`.
    """
    text = unicodedata.normalize("NFKC", header).casefold()
    # What may stand in an identifier: letters, digits, and the vowel signs without which Hindi is not spelled.
    kept = "".join(
        char if ("_" + char).isidentifier() else " " if char.isspace() or char == "-" else "" for char in text
    )
    return re.sub(r"[\s_]+", "_", kept).strip("_")


def find_header(records: Sequence[tuple[int, list[str]]], settings: ColumnSettings) -> int | None:
    """The index of the record that names the columns of the people to invite, whatever comes before it.

    It is the first that names an address column, unless that is above a report's hosts or the meeting itself.
    """
    rows = [cells for _, cells in records]
    first = None
    for at, cells in enumerate(rows):
        if _names_an_address_column(cells, settings):
            if exports.is_above_people(rows, at):
                return at
            first = at if first is None else first
    return first


def _names_an_address_column(cells: Sequence[str], settings: ColumnSettings) -> bool:
    if settings.email:
        return squash(settings.email) in map(squash, cells)
    return bool(exports.address_columns(cells)) and not any(_IS_ADDRESS.fullmatch(cell.strip()) for cell in cells)


def understand(
    cells: Sequence[str],
    settings: ColumnSettings,
    file: str,
    line: int,
    sample: Sequence[Sequence[str]] = (),
) -> tuple[Columns, tuple[Problem, ...]]:
    """The columns that a header record names, and what is wrong with it. It must name an address column.

    `sample` is some of the records below it: of several columns that can hold the address it shows which one does.
    Where one of the problems is an error the columns cannot be relied on.
    """
    headers = tuple(map(one_line, cells))
    named = [(at, header) for at, header in enumerate(headers) if header]
    by_header: dict[str, int] = {}
    placeholders: dict[str, int] = {}
    alike: dict[str, list[int]] = {}  # columns that the wording, or a reader of the file, cannot tell apart
    for at, header in named:
        placeholder = normalise_header(header)
        by_header.setdefault(squash(header), at)
        alike.setdefault(squash(placeholder or header), []).append(at)
        if placeholder:
            placeholders.setdefault(placeholder, at)
    duplicates = [group for group in alike.values() if len(group) > 1]
    wanted = {squash(name) for name in settings.internal}
    internal = frozenset(at for at, header in enumerate(headers) if squash(header) in wanted)

    def own(setting: str | None) -> int | None:
        return by_header.get(squash(setting)) if setting else None

    addresses = _addresses(headers, own(settings.email), internal, sample)
    names = [way for way in exports.name_columns(headers, addresses[0].prefix) if internal.isdisjoint(way)]
    if settings.name:
        names = [] if own(settings.name) is None else [(by_header[squash(settings.name)],)]
    status = own(settings.status)
    columns = Columns(
        headers=headers,
        placeholders=placeholders,
        by_header=by_header,
        address=addresses[0].at,
        also=tuple(column.at for column in addresses[1:]),
        name=names[0] if names else (),
        other_names=tuple(names[1:]),
        id=_id_column(headers, by_header, settings),
        group=own(settings.group) if settings.group else exports.group_column(headers),
        statuses=() if settings.status else exports.status_columns(headers),
        withdrawals=() if settings.status else exports.withdrawal_columns(headers),
        internal=internal,
        duplicates=frozenset(squash(headers[at]) for group in duplicates for at in group),
        answered=exports.answered_column(headers),
        joins=exports.lists_joins(headers),
    )
    if status is not None:
        columns = replace(columns, statuses=(status,))
    problems = [
        *_duplicate_columns(columns, duplicates, file, line),
        *_blank_names(headers, file, line),
        *_two_addresses(columns, addresses, sample, file, line),
    ]
    if not settings.email:
        problems += _anonymous(columns, sample, file)
    return columns, tuple(problems)


def _addresses(
    headers: Sequence[str], own: int | None, internal: frozenset[int], sample: Sequence[Sequence[str]]
) -> list[exports.AddressColumn]:
    """The column that holds the address, and after it those that count where it is blank. Raises ValueError for none.

    A column in which nobody has an address gives way to one in which people have: Microsoft Forms writes "anonymous"
    under "Email" when it was not to note who answers, and the form itself may have asked.
    """
    found = exports.address_columns(headers)
    if own is not None:
        return [next((column for column in found if column.at == own), exports.AddressColumn(0, 1, False, own, ""))]
    if not found:
        raise ValueError("no address column")
    judged = internal | {column.at for column in found}
    found = [column for column in found if column.at not in internal] or found
    if _nobody_in(found[0].at, sample):
        others = [column for column in exports.alternatives(found) if not _nobody_in(column.at, sample)]
        asked = [
            at
            for at in range(len(headers))
            if at not in judged and exports.speaks_of_addresses(headers[at]) and _all_in(at, sample)
        ]
        if others:
            found = others
        elif len(asked) == 1:
            found = [exports.AddressColumn(0, 1, False, asked[0], "")]
    return [found[0], *exports.alternatives(found)]


def _cell(row: Sequence[str], at: int) -> str:
    return bare_address(row[at]) if at < len(row) else ""


def _nobody_in(at: int, sample: Sequence[Sequence[str]]) -> bool:
    return bool(sample) and not any(cell and not exports.is_anonymous(cell) for cell in (_cell(r, at) for r in sample))


def _all_in(at: int, sample: Sequence[Sequence[str]]) -> bool:
    filled = [cell for cell in (_cell(row, at) for row in sample) if cell]
    return bool(filled) and all(map(_IS_ADDRESS.fullmatch, filled))


def _id_column(headers: Sequence[str], by_header: Mapping[str, int], settings: ColumnSettings) -> int | None:
    if settings.id:
        return by_header.get(squash(settings.id))
    return None if exports.numbers_its_answers(headers) else by_header.get("id")


def _two_addresses(
    columns: Columns, addresses: Sequence[exports.AddressColumn], sample: Sequence[Sequence[str]], file: str, line: int
) -> Iterator[Problem]:
    """A warning where another column may as well be meant: its header says the same, and its addresses are others."""
    used = addresses[0]
    for other in addresses[1:]:
        alike = (other.rank, other.number, other.weak) == (used.rank, used.number, used.weak)
        if not alike or squash(columns.headers[other.at]) in columns.duplicates:
            continue
        pairs = ((_cell(row, used.at).casefold(), _cell(row, other.at).casefold()) for row in sample)
        if any(one and two and one != two and not exports.is_anonymous(two) for one, two in pairs):
            one, two = columns.headers[used.at], columns.headers[other.at]
            yield Problem(
                "warning",
                "duplicate-column",
                f"Both “{one}” and “{two}” can hold the address, and they differ. “{one}” is used.",
                file,
                line,
                two,
                two,
                f'If the other is meant, say so in event.toml, under [columns]: email = "{two}".',
            )


def _anonymous(columns: Columns, sample: Sequence[Sequence[str]], file: str) -> Iterator[Problem]:
    """One error for the file where nobody's address was noted, rather than one for each answer."""
    cells = [_cell(row, columns.address) for row in sample]
    if any(cells) and _nobody_in(columns.address, sample) and not columns.also:
        header = columns.headers[columns.address]
        yield Problem(
            "error",
            "no-address-column",
            f"These answers are anonymous: “{header}” holds no address, and no other column does.",
            file,
            hint="Ask for the address in the form, or have it record who answers, and export the answers again.",
        )


def _duplicate_columns(
    columns: Columns, duplicates: Sequence[Sequence[int]], file: str, line: int
) -> Iterator[Problem]:
    used = {columns.address, *columns.name, columns.id, columns.group, *map(columns.by_header.get, _IN_ANY_MESSAGE)}
    if len(columns.statuses) == 1:
        used |= {*columns.statuses}  # of several that are recognised each counts
    for group in duplicates:
        header = columns.headers[group[-1]]
        matters = not used.isdisjoint(group)
        consequence = "it cannot be told which of them is meant" if matters else "the wording can use neither"
        yield Problem(
            "error" if matters else "warning",
            "duplicate-column",
            f"{'Two' if len(group) == 2 else len(group)} columns are called “{header}”, so {consequence}.",
            file,
            line,
            header,
            header,
            "Rename or delete all but one of them.",
        )


def _blank_names(headers: Sequence[str], file: str, line: int) -> Iterator[Problem]:
    blank = [str(at) for at, header in enumerate(headers, 1) if not header]
    if blank:
        several = len(blank) > 1
        which = ", ".join(blank[:10]) + (" and more" if len(blank) > 10 else "")
        yield Problem(
            "warning",
            "blank-column-name",
            f"Column{'s' if several else ''} {which} {'have' if several else 'has'} no name, so nothing can refer to "
            f"{'them' if several else 'it'}.",
            file,
            line,
            hint="Name every column, or delete those that are empty.",
        )


def nearest(name: str, headers: Sequence[str], cutoff: float = 0.6) -> str | None:
    """The header most like `name`, or None where none is."""
    squashed = {squash(header): header for header in reversed(headers) if header}
    close = difflib.get_close_matches(squash(name), squashed, n=1, cutoff=cutoff)
    return squashed[close[0]] if close else None

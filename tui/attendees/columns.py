"""A file's header row, understood: which column is the address, the name, the group, and which must not leave."""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tui.clean import one_line
from tui.errors import Problem

# In order of preference, squashed. "Contact e-mail", "Manager's email" and the like are somebody's decision: [columns].
_ADDRESS = (
    *("email", "emailaddress", "mail"),
    *("attendeeemail", "attendeeemailaddress", "participantemail", "registrantemail", "useremail"),  # event platforms
    *("email1value", "email1address"),  # Google contacts
)
_NAME = ("name", "fullname", "attendeename", "participantname", "registrantname", "displayname")
_FIRST = ("firstname", "givenname", "forename", "attendeefirstname", "first")
_LAST = ("lastname", "surname", "familyname", "attendeelastname", "attendeesurname", "last")
_STATUS = (
    *("attendeestatus", "approvalstatus", "registrationstatus", "bookingstatus", "ticketstatus"),
    *("rsvp", "rsvpstatus", "responsestatus", "invitestatus", "status"),
)
# Microsoft Forms numbers its answers in a column `ID`: one person who answers twice would be two attendees.
_FORMS = {"id", "starttime", "completiontime"}


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
    """

    headers: tuple[str, ...]
    placeholders: Mapping[str, int] = field(hash=False)
    by_header: Mapping[str, int] = field(hash=False)
    address: int
    name: tuple[int, ...] = ()
    id: int | None = None
    group: int | None = None
    status: int | None = None
    internal: frozenset[int] = frozenset()
    duplicates: frozenset[str] = frozenset()


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
    """The index of the first record that names an address column, however many lines of preamble come before it."""
    wanted = {squash(settings.email)} if settings.email else set(_ADDRESS)
    for at, (_, cells) in enumerate(records):
        if not wanted.isdisjoint(map(squash, cells)):
            return at
    return None


def understand(
    cells: Sequence[str], settings: ColumnSettings, file: str, line: int
) -> tuple[Columns, tuple[Problem, ...]]:
    """The columns that a header record names, and what is wrong with it. It must name an address column.

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

    def first(names: Sequence[str], own: str | None = None) -> int | None:
        return next((by_header[name] for name in ((squash(own),) if own else names) if name in by_header), None)

    address = first(_ADDRESS, settings.email)
    if address is None:
        raise ValueError("no address column")
    whole_name = first(_NAME, settings.name)
    parts = (whole_name,) if whole_name is not None else (first(_FIRST), first(_LAST))
    internal = {squash(name) for name in settings.internal}
    columns = Columns(
        headers=headers,
        placeholders=placeholders,
        by_header=by_header,
        address=address,
        name=tuple(part for part in parts if part is not None),
        id=None if not settings.id and by_header.keys() >= _FORMS else first(("id",), settings.id),
        group=first(("group",), settings.group),
        status=first(_STATUS, settings.status),
        internal=frozenset(at for at, header in enumerate(headers) if squash(header) in internal),
        duplicates=frozenset(squash(headers[at]) for group in duplicates for at in group),
    )
    return columns, (*_duplicate_columns(columns, duplicates, file, line), *_blank_names(headers, file, line))


def _duplicate_columns(
    columns: Columns, duplicates: Sequence[Sequence[int]], file: str, line: int
) -> Iterator[Problem]:
    used = {columns.address, *columns.name, columns.id, columns.group, columns.status}
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

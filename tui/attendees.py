"""Attendee files in; attendees and problems out. Nothing after this sees raw CSV."""

from collections.abc import Mapping
from dataclasses import dataclass


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
    """One file's header row, understood. All numbers are 0-based indexes into a record's cells."""

    headers: tuple[str, ...]
    placeholders: Mapping[str, int]
    address: int
    name: tuple[int, ...] = ()
    id: int | None = None
    group: int | None = None
    status: int | None = None
    internal: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Attendee:
    """One CSV record that holds a person, with errors or without.

    `address` is the wire form, or the raw cell where it is no address; `cells` are cleaned for messages and as many as
    there are headers. `withdrawn` is what the status column says where it says that the person is not coming.
    """

    key: str
    address: str
    name: str
    group: str
    file: str
    line: int
    cells: tuple[str, ...]
    columns: Columns
    withdrawn: str | None = None
    has_error: bool = False

"""The first records of a list, as its columns are to be explained: whatever is understood of them."""

from itertools import islice
from pathlib import Path

from tui.attendees.tables import open_source
from tui.attendees.text import DamageError
from tui.errors import InputError

_FEW = 4


def head_of(file: Path, encoding: str | None = None) -> list[list[str]]:
    """The first records of the file, its headers first, read in the way in which they have the most cells.

    InputError where it cannot be read.
    """
    try:
        tables = open_source(file, encoding).tables
        read = [[cells for _, cells in islice(table.rows(lambda _: False), _FEW)] for table in tables]
    except DamageError as error:
        raise InputError(error.message, hint=error.hint) from None
    return max(read, key=lambda rows: len(rows[0]) if rows else 0, default=[])

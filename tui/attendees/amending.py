"""A row with some of its cells replaced: what the organiser has corrected of one person."""

from collections.abc import Sequence
from dataclasses import replace

from tui.address import key_of
from tui.attendees.store import Attendee, _name


def amended(attendee: Attendee, address: str, cells: Sequence[str]) -> Attendee:
    """The attendee at `address` (wire form), with these cells; the name follows where a cell of it was replaced."""
    was = key_of(attendee.address)
    here = tuple(address if "@" in cell and key_of(cell) == was else cell for cell in cells)
    columns = attendee.columns
    of_name = {at for way in (columns.name, *columns.other_names) for at in way}
    renamed = any(here[at] != attendee.cells[at] for at in of_name)
    return replace(
        attendee, address=address, cells=here, name=_name(columns, here) or attendee.name if renamed else attendee.name
    )

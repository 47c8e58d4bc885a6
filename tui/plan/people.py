"""Who a row of the list is in the ledger, and who somebody is whom only the ledger knows."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from tui.address import key_of
from tui.attendees import Attendee, Columns, normalise_header, squash
from tui.attendees.amending import amended
from tui.attendees.exports import name_columns
from tui.clean import one_line
from tui.errors import Problem
from tui.ledger.records import Person


def known(person: Person) -> Attendee:
    """The attendee as the ledger remembers them."""
    columns = _columns_of(tuple(person.fields))
    return Attendee(
        person.key, person.address, person.name, person.group, "", 0, tuple(person.fields.values()), columns
    )


@lru_cache(maxsize=64)
def _columns_of(headers: tuple[str, ...]) -> Columns:
    """One object for all who have these columns, as for the records of one file."""
    names = name_columns(headers, "")
    return Columns(
        headers,
        placeholders={normalise_header(header): at for at, header in enumerate(headers)},
        by_header={squash(header): at for at, header in enumerate(headers)},
        address=0,
        name=names[0] if names else (),
        other_names=tuple(names[1:]),
    )


class Directory:
    """Everybody in the ledger, found from the rows of a list: by key, or by an address where the key has changed."""

    def __init__(self, people: Mapping[str, Person], listed: Collection[str]) -> None:
        self._people = people
        strays = [person for person in people.values() if person.key not in listed]
        self._strays = {key_of(person.address): person for person in strays}
        for person in strays:
            for one in person.corrections:
                if not one.header:  # a list that still has the old address
                    self._strays.setdefault(key_of(one.before), person)
        self._found: set[str] = set()
        self._moved = {key_of(person.address) for person in people.values() if person.key in listed and _moved(person)}

    def find(self, attendee: Attendee) -> Person | None:
        """Who this row is; each person that the list knows by another key is found once."""
        person = self._people.get(attendee.key)
        if person is None and (person := self._under_another_key(attendee)):
            self._found.add(person.key)
        return person

    def is_somebody_corrected(self, attendee: Attendee) -> bool:
        """Whether this row has the address that another row's person was corrected to: they are the same."""
        return attendee.key in self._moved and attendee.key not in self._people

    def _under_another_key(self, attendee: Attendee) -> Person | None:
        """Who has this address in the ledger where one of the two lists had ids and the other had none, or where the
        list now has the address that the organiser had corrected them to.

        They would be invited a second time otherwise. Two different ids are two people.
        """
        if not self._strays:
            return None
        address_key = key_of(attendee.address)
        person = self._strays.get(address_key)
        if person is None or person.key in self._found:
            return None
        has_id = attendee.key != address_key
        had_id = person.key not in {key_of(message.address) for message in person.messages}
        if has_id == had_id and (has_id or not _moved(person)):
            return None
        return person


def clashes(records: Iterable[Attendee], people: Mapping[str, Person]) -> Iterator[Problem]:
    """Rows with the address to which another row's person was corrected: the list itself cannot show it.

    Where neither has an id they are one person in two rows (see `Directory.is_somebody_corrected`).
    """
    if not any(map(_moved, people.values())):
        return
    listed = [attendee for attendee in records if attendee.withdrawn is None]
    directory = Directory(people, {attendee.key for attendee in listed})
    at: dict[str, Attendee] = {}
    moved: dict[str, Attendee] = {}
    for attendee in listed:
        if directory.is_somebody_corrected(attendee):
            continue
        key = key_of(corrected(attendee, directory.find(attendee)).address)
        (moved if key != key_of(attendee.address) else at).setdefault(key, attendee)
    for key, attendee in at.items():
        if key in moved:
            other = moved[key]
            who = one_line(other.name) or other.address
            yield Problem(
                "error",
                "duplicate-attendee",
                f"This is the address to which {who} was corrected (line {other.line}).",
                file=attendee.file,
                line=attendee.line,
                column=attendee.columns.headers[attendee.columns.address],
                value=attendee.address,
                hint="Each person needs an address of their own: correct this one, or the other with `resend --to`.",
            )


def _moved(person: Person) -> bool:
    return any(not one.header for one in person.corrections)


def corrected(attendee: Attendee, person: Person | None) -> Attendee:
    """The row, with what the organiser has corrected of this person where the list still says what it said then."""
    if person is None or not person.corrections:
        return attendee
    address, cells = attendee.address, list(attendee.cells)
    for one in person.corrections:
        at = attendee.columns.by_header.get(squash(one.header))
        if not one.header and key_of(address) == key_of(one.before):
            address = one.after
        elif at is not None and cells[at] == one.before:
            cells[at] = one.after
    return amended(attendee, address, tuple(cells))

"""Who a row of the list is in the ledger, and who somebody is whom only the ledger knows."""

from collections.abc import Mapping
from functools import lru_cache

from tui.attendees import Attendee, Columns, normalise_header, squash
from tui.ledger.records import Person
from tui.plan.versions import key_of


def known(person: Person) -> Attendee:
    """The attendee as the ledger remembers them."""
    columns = _columns_of(tuple(person.fields))
    return Attendee(
        person.key, person.address, person.name, person.group, "", 0, tuple(person.fields.values()), columns
    )


@lru_cache(maxsize=64)
def _columns_of(headers: tuple[str, ...]) -> Columns:
    """One object for all who have these columns, as for the records of one file."""
    return Columns(
        headers,
        placeholders={normalise_header(header): at for at, header in enumerate(headers)},
        by_header={squash(header): at for at, header in enumerate(headers)},
        address=0,
    )


def under_another_key(attendee: Attendee, strays: Mapping[str, Person]) -> Person | None:
    """Who has this address in the ledger where one of the two lists had ids and the other had none.

    They would be invited a second time otherwise. Two different ids are two people.
    """
    address_key = key_of(attendee.address)
    person = strays.get(address_key)
    if person is None or (attendee.key == address_key) == (person.key == address_key):
        return None
    return person

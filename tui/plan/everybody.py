"""Whom a plan for all is about: the rows of the list, and who is in the ledger and no longer on the list."""

from array import array
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tui.attendees import Attendee, Records
from tui.attendees.doubles import repeated
from tui.attendees.store import ERROR, WITHDRAWN
from tui.ledger.records import Person
from tui.plan.people import Directory


@dataclass(frozen=True, slots=True)
class Somebody:
    """One of them: the row (None for who is no longer listed), and what the ledger holds of them, if anything.

    `is_another`: it is the row of somebody who is in another row too, whose address was corrected to this one.
    """

    row: Attendee | None
    person: Person | None
    is_another: bool = False


class Everybody:
    """Each with a number: a row's own, and from the number of rows on that of somebody who is no longer listed.

    Rows with errors are left out, and those whose numbers are in `left_out`; and all but the first of one person's. Of
    a million rows there is no object for each: `are_made` says whether a row is one only when it is asked for.
    """

    def __init__(
        self, records: Sequence[Attendee], people: Mapping[str, Person], left_out: Container[int] = frozenset()
    ) -> None:
        self._records, self._people, self._left_out = records, people, left_out
        self.are_made = isinstance(records, Records)
        self._row = records.made if isinstance(records, Records) else records.__getitem__
        hashes = array("q")
        self._listed: set[str] = set()  # of the keys in the ledger
        withdrawn: set[str] = set()
        for key, has_error, has_withdrawn in _keys(records):
            hashes.append(hash(key))
            if key in people:
                self._listed.add(key)
            if has_withdrawn and not has_error:
                withdrawn.add(key)
        self._perhaps_twice = repeated(hashes)
        # Who took one registration back and holds another.
        self._live = {
            key
            for row, (key, has_error, has_withdrawn) in enumerate(_keys(records) if withdrawn else ())
            if key in withdrawn and not has_error and not has_withdrawn and row not in left_out
        }
        self._directory = Directory(people, self._listed)
        self._under_another_key: dict[int, Person] = {}
        self._gone: Sequence[str] = ()

    def __iter__(self) -> Iterator[tuple[int, Somebody]]:
        """Everybody with their number, the rows first. Nobody can be asked for by number before."""
        met: set[str] = set()
        for row, attendee in enumerate(self._records):
            key = attendee.key
            if attendee.has_error or row in self._left_out or (attendee.withdrawn is not None and key in self._live):
                continue
            if hash(key) in self._perhaps_twice:
                if key in met:
                    continue
                met.add(key)
            person = self._directory.find(attendee)
            if person is not None and person.key != key:
                self._under_another_key[row] = person
            yield row, self._in_row(attendee, person)
        found = {person.key for person in self._under_another_key.values()}
        self._gone = [key for key in self._people if key not in self._listed and key not in found]
        for number, key in enumerate(self._gone, len(self._records)):
            yield number, Somebody(None, self._people[key])

    def __getitem__(self, number: int) -> Somebody:
        if number >= len(self._records):
            return Somebody(None, self._people[self._gone[number - len(self._records)]])
        attendee = self._row(number)
        return self._in_row(attendee, self._under_another_key.get(number) or self._people.get(attendee.key))

    def _in_row(self, attendee: Attendee, person: Person | None) -> Somebody:
        return Somebody(attendee, person, self._directory.is_somebody_corrected(attendee))


def _keys(records: Sequence[Attendee]) -> Iterator[tuple[str, bool, bool]]:
    """Of each row the key, whether it has an error, and whether the person withdrew."""
    if isinstance(records, Records):
        for row, (key, _) in enumerate(records.identities()):
            marks = records.marks(row)
            yield key, bool(marks & ERROR), bool(marks & WITHDRAWN)
    else:
        for attendee in records:
            yield attendee.key, attendee.has_error, attendee.withdrawn is not None

"""Who is in the list twice: told apart by whole ids and addresses, never by a hash."""

from array import array
from collections import Counter
from collections.abc import Callable, Sequence

from tui.attendees.store import ERROR, NO_ADDRESS, SHIFTED, WITHDRAWN, Identity, Records

# What was found of a row, and how it is said of the other one.
SAME_ADDRESS, SAME_ID, ID_MOVED, ID_MOVES = range(4)


class Doubles:
    """Judges these rows, which ascend, and marks those that cannot be sent to.

    Two rows with ids of their own are two people, even where they share a mailbox. One id with two addresses leaves
    open which is right, so both rows get an error. Of each finding `rows` has the row that it is about, `others` the
    one that it names, `kinds` which it is; ascending by row.
    """

    def __init__(self, records: Records, mark: Callable[[int, int], None], rows: Sequence[int]) -> None:
        self.rows = array("I")
        self.others = array("I")
        self.kinds = bytearray()
        self._records = records
        self._mark = mark
        self._by_address: dict[str, int] = {}  # address key -> the first live row with it
        self._by_id: dict[str, int] = {}
        self._has_id: set[int] = set()
        for row, identity in records.identities_of(rows):
            marks = records.marks(row)
            if not marks & (SHIFTED | WITHDRAWN):
                self._judge(row, has_address=not marks & NO_ADDRESS, identity=identity)
        if ID_MOVES not in self.kinds:
            return  # nothing but what is about the row that was judged
        order = sorted(range(len(self.rows)), key=self.rows.__getitem__)
        self.rows = array("I", [self.rows[at] for at in order])
        self.others = array("I", [self.others[at] for at in order])
        self.kinds = bytearray(self.kinds[at] for at in order)

    def live(self, key: str) -> int | None:
        """The row of somebody with this key who did not withdraw."""
        return self._by_id.get(key, self._by_address.get(key))

    def _judge(self, row: int, *, has_address: bool, identity: Identity) -> None:
        own, key, wire = identity
        if own:
            self._has_id.add(row)
            earlier = self._by_id.setdefault(own, row)
            if earlier != row:
                if has_address and wire == self._records.identity(earlier)[2]:
                    self._found(row, earlier, SAME_ID)
                else:
                    self._found(earlier, row, ID_MOVES)
                    self._found(row, earlier, ID_MOVED)
                return
        if not has_address:
            return
        earlier = self._by_address.setdefault(key, row)
        if earlier != row and not (own and earlier in self._has_id):
            self._found(row, earlier, SAME_ADDRESS)

    def _found(self, row: int, other: int, kind: int) -> None:
        self._mark(row, ERROR)
        self.rows.append(row)
        self.others.append(other)
        self.kinds.append(kind)


def repeated(hashes: Sequence[int]) -> set[int]:
    """The hashes that occur more than once.

    One by one, as a set of a million would hold every other thread while it grows, and take four times the memory: who
    shares a place in a table with an earlier one is looked at again, by itself.
    """
    table = bytearray(1 << max(10, (len(hashes) * 8).bit_length()))
    places = len(table) - 1
    suspects: set[int] = set()
    for each in hashes:
        place = each & places
        if table[place]:
            suspects.add(place)
        else:
            table[place] = 1
    if not suspects:
        return set()
    counts = Counter([each for each in hashes if each & places in suspects])
    return {each for each, count in counts.items() if count > 1}

"""A set of texts that remembers eight bytes of each, so that a million of them cost eight megabytes and no more time.

What is in the set is always found. What is not is taken for one of a million with a probability of 5e-14: over a whole
mailing to a million people, of whom each is compared a hundred times, once in 200,000 mailings. That would be a false
alarm, never a leak that is missed.
"""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from functools import partial

_BUCKETS = 256
_OF_64_BITS = (1 << 64) - 1


class Hashes:
    """Texts, by the hash that Python keys anew in each process, so that nobody can foresee it (PEP 456)."""

    def __init__(self, texts: Iterable[str]) -> None:
        heap: defaultdict[int, array[int]] = defaultdict(partial(array, "Q"))
        for text in texts:
            found = self._hash(text)
            heap[found & (_BUCKETS - 1)].append(found)
        # Bucket by bucket, so that sorting needs no second copy of everything.
        self._buckets = {number: array("Q", sorted(set(bucket))) for number, bucket in heap.items()}

    def __contains__(self, text: str) -> bool:
        found = self._hash(text)
        bucket = self._buckets.get(found & (_BUCKETS - 1), ())
        at = bisect_left(bucket, found)
        return at < len(bucket) and bucket[at] == found

    def __bool__(self) -> bool:
        return bool(self._buckets)

    @staticmethod
    def _hash(text: str) -> int:
        return hash(text) & _OF_64_BITS


class Marks:
    """A growing set of marks, digests of 16 bytes, kept in little more than that."""

    def __init__(self) -> None:
        self._buckets: dict[int, bytearray] = {}

    def add(self, mark: bytes) -> None:
        self._buckets.setdefault(self._bucket(mark), bytearray()).extend(mark)

    def __contains__(self, mark: bytes) -> bool:
        bucket = self._buckets.get(self._bucket(mark), b"")
        at = bucket.find(mark)
        while at > 0 and at % len(mark):  # the end of one and the beginning of the next
            at = bucket.find(mark, at + 1)
        return at >= 0

    @staticmethod
    def _bucket(mark: bytes) -> int:
        return mark[0] << 4 | mark[1] >> 4

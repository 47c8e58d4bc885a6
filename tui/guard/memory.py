"""What was found out once and is asked again for every message of a run."""

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")
_MOST = 5_000


class Memory(Generic[_K, _V]):
    """Answers by the whole content that they are about, so that none is taken for another's. Forgets all when full.

    Threads may share it: what two find out at the same time is the same.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: dict[_K, _V] = {}

    def get(self, key: _K) -> _V | None:
        return self._known.get(key)

    def each(self, keys: Iterable[_K]) -> list[_V | None]:
        """What is known of each, None where nothing is."""
        return list(map(self._known.get, keys))

    def put(self, key: _K, value: _V) -> _V:
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[key] = value
        return value

    def once(self, key: _K, find: Callable[[], _V]) -> _V:
        """What is known of `key`; what `find` says where nothing is."""
        known = self._known.get(key)
        return self.put(key, find()) if known is None else known

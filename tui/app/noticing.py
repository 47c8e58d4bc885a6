"""Whether another program has changed the files that are open: by their size and time, looked at now and then."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

Stamp = tuple[int, int] | None
"""Size in bytes and time of change in ns, None where there is no such file."""

EVERY = 1.5  # seconds between two looks


@dataclass(eq=False, repr=False)
class LookedAt(Message):
    """How the files are now."""

    stamps: Mapping[Path, Stamp]


def look_at(post: Callable[[Message], object], paths: Iterable[Path]) -> None:
    post(LookedAt(stamps(paths)))


def stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> Stamp:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns


class Noticing:
    """Remembers how the files were when they were read; tells which have changed and are no longer being written."""

    def __init__(self) -> None:
        self._read: Mapping[Path, Stamp] = {}
        self._last: Mapping[Path, Stamp] = {}

    def was_read(self, now: Mapping[Path, Stamp]) -> None:
        self._read = self._last = now

    def was_found(self, now: Mapping[Path, Stamp]) -> None:
        """Which files belong to it has turned out while they were read: of some it was known before."""
        self.was_read({**now, **{path: stamp for path, stamp in self._read.items() if path in now}})

    def changed(self, now: Mapping[Path, Stamp]) -> list[Path]:
        """The files that are others than those that were read, once two looks found them alike and there."""
        settled = now == self._last
        self._last = now
        if not settled:
            return []
        return [path for path, stamp in now.items() if stamp is not None and stamp != self._read.get(path)]

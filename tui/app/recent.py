"""The events that were open lately: their paths and nothing else, in the configuration folder."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui import files
from tui.event import replace_file

FILE = "recent.json"
_MOST = 12


def there(folder: Path) -> list[tuple[str, ...]]:
    """The lists that were open together, the latest first: those that still exist. A damaged file is none at all."""
    return [paths for paths in _read(folder / FILE) if all(Path(path).is_file() for path in paths)]


def remember(folder: Path, opened: Sequence[str]) -> None:
    """Put these files first. Where that is not possible, nothing happens: it is only a convenience."""
    paths = tuple(str(Path(path).absolute()) for path in opened)
    before = _read(folder / FILE)
    if before[:1] == [paths] or not paths:
        return
    now = [paths, *(one for one in before if one != paths)][:_MOST]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(folder / FILE, json.dumps(now, indent=1) + "\n")
    except OSError:
        return


def _read(path: Path) -> list[tuple[str, ...]]:
    try:
        said = json.loads(files.read(path).decode())
    except (OSError, ValueError, RecursionError):
        return []
    return list(_understood(said)) if isinstance(said, list) else []


def _understood(said: Sequence[object]) -> Iterator[tuple[str, ...]]:
    for one in said[:_MOST]:
        if isinstance(one, list) and one and all(isinstance(path, str) and Path(path).is_absolute() for path in one):
            yield tuple(one)

"""Where to begin: the sample, the lists that are here, and how an account is stored."""

from collections.abc import Iterator
from pathlib import Path

from tui.app.screens.pick import Item, Pick
from tui.app.words import count

SAMPLE = "sample"
_MOST = 200  # lists that are offered


class Start(Pick):
    """Returns "sample", "file PATH", or None."""

    def __init__(self, here: Path) -> None:
        lists = list(_lists(here))
        items: list[Item | str] = ["Look around", Item(SAMPLE, "The sample", "55 people who do not exist")]
        items.append(f"Lists in {here.name or here}" if lists else "There is no list here: put a .csv or .xlsx there")
        items += lists[:_MOST]
        said = "An event is a folder with event.toml and a list of people. `invite-tui init DIR` makes one."
        super().__init__("Begin", items, said=said, chosen=lists[0].name if lists else SAMPLE)


def _lists(here: Path) -> Iterator[Item]:
    """The lists of people in this folder and in the event folders in it, the newest first."""
    folders = [here, *(one.parent for one in _sorted(here.glob("*/event.toml")))]
    for folder in folders:
        event = "an event is with it" if (folder / "event.toml").is_file() else "no event.toml is with it yet"
        for file in _sorted(one for kind in ("*.csv", "*.xlsx") for one in folder.glob(kind) if one.is_file()):
            shown = file.relative_to(here)
            yield Item(f"file {shown}", str(shown), f"{_size(file)}, {event}")


def _sorted(files: "Iterator[Path]") -> list[Path]:
    return sorted(files, key=lambda one: -one.stat().st_mtime)


def _size(file: Path) -> str:
    size = file.stat().st_size
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else count(max(1, round(size / 1e3)), "kB", "kB")

"""Where to begin: what was open lately, the lists that are here, a new event, the sample, and mails to judge."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tui.app.leaking import mails_in
from tui.app.screens.pick import Item, Pick
from tui.app.words import count

SAMPLE = "sample"
_MOST = 200  # lists, and mails, that are offered


class Start(Pick):
    """Returns "sample", "file PATH", "recent NUMBER", "new", "account", "mail PATH", "other" for a mail that is
    elsewhere, or None."""

    def __init__(self, here: Path, recent: Sequence[Sequence[str]] = ()) -> None:
        lists = list(_lists(here))
        items: list[Item | str] = ["Look around", Item(SAMPLE, "The sample", "55 invented people")]
        if recent:
            items.append("Open lately")
            items += [Item(f"recent {at}", *_shown(paths, here)) for at, paths in enumerate(recent)]
        items.append(f"Lists in {here.name or here}/" if lists else "There is no list here: put a .csv or .xlsx there")
        items += lists[:_MOST]
        items += ["Make", Item("new", "A new event …", "a folder with a list to fill in")]
        items.append(Item("account", "An account to send with …", "server and login"))
        items += ["Mails of other programs: who could see whom", *_mails([here])]
        said = "Choose a list of people. What they are invited to is asked next, and kept beside the list."
        chosen = lists[0].name if lists else SAMPLE
        super().__init__("Begin", items, said=said, chosen=chosen, closes="enter opens it   esc closes")


class Mails(Pick):
    """Returns "mail PATH", "other", or None."""

    def __init__(self, folders: Sequence[Path]) -> None:
        said = "A mail that any program sent: who could see whom in it, and where. Nothing is sent or changed."
        super().__init__("Judge a mail", list(_mails(folders)), said=said)


def _mails(folders: Sequence[Path]) -> Iterator[Item]:
    for file in mails_in(folders)[:_MOST]:
        shown = file.relative_to(folders[0]) if file.is_relative_to(folders[0]) else file
        yield Item(f"mail {shown}", str(shown), _size(file))
    yield Item("other", "Another file …", "by its name")


def _shown(paths: Sequence[str], here: Path) -> tuple[str, str]:
    """The event's folder, as short as it can be said, and the files."""
    folder = Path(paths[0]).parent
    near = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return (folder.name or str(folder)) if near == Path() else str(near), ", ".join(Path(path).name for path in paths)


def _lists(here: Path) -> Iterator[Item]:
    """The lists of people in this folder and in the event folders in it, the newest first."""
    folders = [here, *(one.parent for one in _sorted(here.glob("*/event.toml")))]
    for folder in folders:
        event = "with an event" if (folder / "event.toml").is_file() else "no event yet"
        for file in _sorted(one for kind in ("*.csv", "*.xlsx") for one in folder.glob(kind) if one.is_file()):
            shown = file.relative_to(here)
            yield Item(f"file {shown}", str(shown), f"{_size(file)}, {event}")


def _sorted(files: "Iterator[Path]") -> list[Path]:
    return sorted(files, key=lambda one: -one.stat().st_mtime)


def _size(file: Path) -> str:
    size = file.stat().st_size
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else count(max(1, round(size / 1e3)), "kB", "kB")

"""Where a report is written: whole or not at all, for its owner alone, and over nothing but an earlier report."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from tui import files
from tui.errors import InputError
from tui.ledger import Where
from tui.report.evidence import FIRST
from tui.report.page import BEGINNING
from tui.report.table import headers

Kind = Literal["html", "csv", "evidence"]

_BEGINNINGS: dict[Kind, tuple[bytes, ...]] = {
    "html": (BEGINNING.encode(),),
    "csv": (headers(anonymous=False), headers(anonymous=True)),
    "evidence": (f'{{"line":1,"previous":"{FIRST}","kind":"evidence",'.encode(),),
}


def kind_of(begun: bytes) -> Kind | None:
    """Which of our reports a file is that begins so; None for every other file."""
    return next((kind for kind, beginnings in _BEGINNINGS.items() if begun.startswith(beginnings)), None)


def must_be_writable(path: Path, kind: Kind, ledger: Where) -> None:
    """InputError where `path` is anything else than a new file or an earlier report of this kind: an attendee file and
    the ledger stay what they are."""
    target = _resolved(path)
    beside = ledger.resolve() if isinstance(ledger, Path) else None
    if beside and target.parent == beside.parent and target.name.startswith(beside.name):
        raise InputError(f"{path} is the ledger's; nothing was written.", hint="Name another file.", code="exists")
    try:
        with files.open_to_read(target) as stream:
            begun = stream.read(4096)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(path, error) from None
    if begun and not begun.startswith(_BEGINNINGS[kind]):
        raise InputError(
            f"{path} is there already and is no {kind} report of invite-tui; nothing was written.",
            hint="Name another file, or move that one away.",
            code="exists",
        )


def write(path: Path, content: Iterable[bytes]) -> None:
    """Writes `path` anew; a crash leaves the old file or the new one. InputError where it cannot be written."""
    target = _resolved(path)
    try:
        files.write(target, content)
    except OSError as error:
        raise _unwritable(path, error) from None


def _resolved(path: Path) -> Path:
    """`path` without links: a link stays one, and what it leads to is written."""
    try:
        return files.resolved(path)
    except (OSError, ValueError):
        raise InputError(f"{path} cannot be written: no file can have that name.", code="unwritable") from None


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be written: {error.strerror or error}.", hint="Name another file.", code="unwritable"
    )

"""Where reports with names were written: noted in a file beside the event file, so that forgetting can ask for them.

In a ledger that several desks share it is noted as well: what another desk has written can be named then.
What it says is somebody's word, as a folder that was sent is: it is looked for there, and nothing is done to it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

from tui import files
from tui.errors import InputError, InviteError
from tui.ledger import Desk, Server, Written, open_to_note
from tui.report.writing import Kind, write

_LARGEST = 1 << 20  # bytes that are read


@dataclass(frozen=True, slots=True)
class Noted:
    """A report with names that was written to `path`, which is absolute, at this time."""

    path: Path
    kind: Kind
    at: datetime


def register_of(event: Path) -> Path:
    """Where it is noted for the event of this file."""
    return event.with_name(f"{event.stem}.ledger.reports")


def written_now(paths: Mapping[Kind, Path]) -> Sequence[Noted]:
    """What is to be noted of reports that were written to these `paths` in this moment."""
    now = datetime.now(UTC).replace(microsecond=0)
    return [Noted(path.resolve(), kind, now) for kind, path in paths.items()]


def note(register: Path, new: Sequence[Noted]) -> bool:
    """Notes these; False where nothing can be written there, as on a disk that is read-only."""
    if not new:
        return True
    paths = {one.path for one in new}
    try:
        write(register, _lines([*(one for one in noted(register) if one.path not in paths), *new]))
    except InputError:
        return False
    return True


def tell_others(ledger: Server, desk: Desk, new: Sequence[Noted]) -> bool:
    """Notes these in a ledger that others share, as written by `desk`; False where it may only be read."""
    if not new:
        return True
    try:
        with open_to_note(ledger, desk) as shared:
            shared.note_reports(Written(str(one.path), one.kind, one.at, desk) for one in new)
    except InviteError:
        return False
    return True


def on_this_machine(one: Written, desk: Desk) -> Noted | None:
    """What was noted in a shared ledger, where the machine of `desk` can be asked for it."""
    if one.desk.place != desk.place:
        return None
    return _noted(json.dumps({"path": one.path, "kind": one.kind, "at": one.at.isoformat()}).encode())


def noted(register: Path) -> Sequence[Noted]:
    """What is noted there; nothing where that cannot be read."""
    try:
        with files.open_to_read(register) as stream:
            lines = stream.read(_LARGEST).splitlines()
    except (OSError, ValueError):
        return ()
    return [one for line in lines if (one := _noted(line)) is not None]


def _noted(line: bytes) -> Noted | None:
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        said = json.loads(line)
        path, kind, at = Path(said["path"]), said["kind"], datetime.fromisoformat(said["at"])
        # To ask for a file of another machine is to log in there.
        is_here = path.is_absolute() and not str(path).startswith(("//", "\\\\"))
        if is_here and kind in get_args(Kind) and at.tzinfo is not None:
            return Noted(path, cast("Kind", kind), at)
    return None


def _lines(entries: Iterable[Noted]) -> Iterable[bytes]:
    for one in entries:
        entry = {"path": str(one.path), "kind": one.kind, "at": one.at.isoformat()}
        yield json.dumps(entry).encode() + b"\n"

"""What the organiser chose, and where an event folder's files are by that."""

import re
from dataclasses import dataclass
from pathlib import Path

from tui.errors import InputError, LedgerError, UsageError


@dataclass(frozen=True, slots=True)
class Choices:
    """What the organiser chose on the command line or in the app; None and "" are not said.

    `template` is the wording of invitations and updates; of cancellations only where the command `cancels`.
    """

    files: tuple[str, ...] = ()
    event: str | None = None
    template: str | None = None
    account: str | None = None
    ledger: str | None = None
    outbox: str | None = None
    encoding: str | None = None
    cancels: bool = False


def ledger_path(*, event: str | None = None, ledger: str | None = None) -> Path:
    """Where the ledger of an event folder is, also where the folder has no event file."""
    choices = Choices(event=event, ledger=ledger)
    return ledger_path_of(choices, event_path_of(choices))


def must_be_there(file: str) -> None:
    """InputError for an attendee file that is missing, before an event is looked for beside it."""
    path = Path(file)
    if path.is_dir():
        inside = sorted(path.glob("*.csv"))
        hint = f"Name the attendee file in it: {inside[0]}" if inside else "Name an attendee file."
        raise InputError(f"{file} is a folder, not an attendee file.", hint=hint, code="unreadable")
    if not path.exists():
        raise InputError(
            f"There is no file {file}.", hint="Check the name, and the folder that you are in.", code="missing-file"
        )


def event_path_of(choices: Choices) -> Path:
    if choices.event:
        path = Path(choices.event)
        return path / "event.toml" if path.is_dir() else path
    beside = Path(choices.files[0]).parent / "event.toml" if choices.files else Path("event.toml")
    return beside if beside.exists() or not Path("event.toml").exists() else Path("event.toml")


def ledger_path_of(choices: Choices, event_path: Path) -> Path:
    if choices.ledger is None:
        return event_path.with_name(f"{event_path.stem}.ledger.db")
    if re.match(r"[a-z][a-z0-9+]+://", choices.ledger):
        raise UsageError("--ledger takes the path of a file.", hint="A ledger on a server is not supported yet.")
    path = Path(choices.ledger)
    if path.is_dir():
        inside = path / f"{event_path.stem}.ledger.db"
        raise LedgerError(f"The ledger {choices.ledger} cannot be used: it is a folder.", hint=f"Name a file: {inside}")
    return path

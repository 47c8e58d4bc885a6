"""What the organiser chose, and where an event folder's files are by that."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tui import event as event_file
from tui import settings
from tui.errors import AccountError, InputError, LedgerError, UsageError
from tui.event import Event
from tui.ledger import Server, Where, is_address


@dataclass(frozen=True, slots=True)
class Choices:
    """What the organiser chose on the command line or in the app; None and "" are not said.

    `template` is the wording of invitations and updates; of cancellations only where the command `cancels`. `also` are
    further accounts, among which workers divide a run.
    """

    files: tuple[str, ...] = ()
    event: str | None = None
    template: str | None = None
    account: str | None = None
    ledger: str | None = None
    outbox: str | None = None
    encoding: str | None = None
    cancels: bool = False
    also: tuple[str, ...] = ()


def ledger_path(*, event: str | None = None, ledger: str | None = None) -> Where:
    """Where the ledger of an event folder is; in a file also where the folder has no event file."""
    choices = Choices(event=event, ledger=ledger)
    path = event_path_of(choices)
    loaded = event_file.load(path, str(path))[0] if path.is_file() else None
    return ledger_path_of(choices, path, loaded)


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


def ledger_path_of(
    choices: Choices, event_path: Path, event: Event | None, environment: Mapping[str, str] | None = None
) -> Where:
    """Where the ledger is: what `--ledger` says, else the event file, else INVITE_TUI_LEDGER, else a file beside the
    event.

    An address is the user's own word on the command line and in the environment, and only there: a folder that somebody
    has sent must not choose where names and addresses go. So the event file may name this machine, or the server that
    the environment names; the login is always the environment's.
    """
    said = choices.ledger or (event.sending.ledger if event else None)
    own = _own_server(event_path, environment)
    if said is None:
        return _of_event(own, event) if own else event_path.with_name(f"{event_path.stem}.ledger.db")
    if not is_address(said):
        return _file(said if choices.ledger else str(event_path.parent / said), event_path)
    server = Server.parse(said)
    if server.password:
        raise UsageError(
            "A password on the command line can be read by everybody on this machine.",
            hint="Put the address with the password into INVITE_TUI_LEDGER, and leave --ledger out.",
        )
    if own and own.is_same_place(server) and server.user in ("", own.user):
        return _of_event(own, event)
    if not (choices.ledger or server.is_here):
        raise LedgerError(
            f"{event_path} names the ledger {server.shown}, and nothing of yours does.",
            hint="If names and addresses may go there, name it in INVITE_TUI_LEDGER with your login, or with --ledger.",
            code="foreign-ledger",
        )
    return _of_event(server, event)


def fingerprint_of(event: Event) -> str:
    """Tells one event's ledger from another's without holding the event's secret."""
    return hashlib.sha256(f"invite-tui ledger\0{event.uid}".encode()).hexdigest()[:32]


def _own_server(event_path: Path, environment: Mapping[str, str] | None) -> Server | None:
    """The server that the environment names."""
    said = None
    with suppress(AccountError):  # a file that cannot be read stops who sends, and is said there
        said = settings.own_word("INVITE_TUI_LEDGER", [event_path.parent, Path.cwd()], environment)
    if said is None:
        return None
    if not is_address(said):
        raise UsageError(
            "INVITE_TUI_LEDGER is not the address of a server.",
            hint="A file is named with --ledger, or in the event file; INVITE_TUI_LEDGER would be one for all events.",
        )
    return Server.parse(said)


def _of_event(server: Server, event: Event | None) -> Server:
    """Its place there. While there is no event it has none: it reads as empty, and nothing is written."""
    return server.for_event(fingerprint_of(event)) if event else server


def _file(said: str, event_path: Path) -> Path:
    path = Path(said)
    if path.is_dir():
        inside = path / f"{event_path.stem}.ledger.db"
        raise LedgerError(f"The ledger {said} cannot be used: it is a folder.", hint=f"Name a file: {inside}")
    return path

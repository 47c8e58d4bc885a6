"""Leaks of other programs, and the evidence of what this one sent: what runs in threads. Each posts what it found."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from tui.app.work import Post, in_words
from tui.errors import InputError, InviteError

if TYPE_CHECKING:
    from tui.audit import Judgement
    from tui.folder import Folder
    from tui.repair import Repaired
    from tui.report import Kind, Verdict

MAILS = ("*.eml", "*.msg", "*.mbox")
_MOST = 200
"""Messages of one file or folder that are shown; `audit` on the command line judges any number."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One message and what it shows; where it could not be judged `reason` says why."""

    place: str
    judgement: "Judgement | None" = None
    reason: str = ""


@dataclass(eq=False, repr=False)
class Audited(Message):
    """These mails were judged; `listed`: also by the list that is open. `more`: there are more than were judged."""

    path: str
    judged: tuple[Judged, ...]
    listed: bool
    more: bool


@dataclass(eq=False, repr=False)
class RepairMade(Message):
    """There is an event folder for the repair now."""

    made: "Repaired"


@dataclass(eq=False, repr=False)
class ReportWritten(Message):
    """A report was written; `seal` is the evidence's, else "", and `caution` what else there is to say of it, or ""."""

    kind: "Kind"
    path: Path
    seal: str
    caution: str


@dataclass(eq=False, repr=False)
class KeptSaved(Message):
    """So many kept messages are in this folder now."""

    directory: str
    number: int


@dataclass(eq=False, repr=False)
class Verified(Message):
    """Evidence was read through, and compared with this event's ledger."""

    path: str
    verdict: "Verdict"


@dataclass(eq=False, repr=False)
class Failed(Message):
    """What was asked for could not be done."""

    error: InviteError


@contextmanager
def _failures_posted(post: Post) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever stands in the way, be it a hostile mail, must not end the app
        post(Failed(in_words(error)))


def audit_mails(post: Post, path: str, folder: "Folder | None") -> None:
    """Who could see whom in these mails, and whom of the open list they give away."""
    from tui import audit
    from tui.guard import Roll

    with _failures_posted(post):
        if not Path(path).exists():
            raise InputError(f"There is no file {path}.", hint="Check the name.", code="missing-file")
        roll = None
        if folder is not None and len(folder.attendees.records):
            roll = Roll(address for _, address in folder.attendees.records.identities())
        judged: list[Judged] = []
        more = False
        for found in audit.messages([path]):
            if len(judged) == _MOST:
                more = True
                break
            if isinstance(found, audit.Unjudged):
                judged.append(Judged(found.file, reason=found.reason))
            else:
                place = found.file if found.number is None else f"{found.file}, message {found.number}"
                judged.append(Judged(place, audit.judge(found.mail, roll)))
        post(Audited(path, tuple(judged), roll is not None, more))


def make_repair(post: Post, message: str, folder: str) -> None:
    from tui.repair import repair

    with _failures_posted(post):
        post(RepairMade(repair(message, Path(folder))))


def write_report(post: Post, folder: "Folder", kind: "Kind", path: str, *, anonymous: bool) -> None:
    from tui import report

    with _failures_posted(post):
        target = Path(path)
        made = report.produce(folder, {kind: target}, anonymous=anonymous)
        post(ReportWritten(kind, target, made.seal or "", made.caution))


def save_kept(post: Post, folder: "Folder", directory: str) -> None:
    """The messages that the ledger has kept, one file each."""
    with _failures_posted(post):
        post(KeptSaved(directory, folder.save_kept(Path(directory))))


def verify_evidence(post: Post, path: str, seal: str, folder: "Folder | None") -> None:
    from tui import ledger as ledgers
    from tui import report

    with _failures_posted(post):
        said = "".join(seal.split()).lower() or None
        if said is not None and (len(said) != 64 or not set(said) <= set("0123456789abcdef")):
            raise InputError("That is no seal: a seal is 64 digits and letters from a to f.", hint="Or leave it out.")
        with ExitStack() as opened:
            is_there = folder is not None and ledgers.is_there(folder.ledger_path)
            chronicle = opened.enter_context(folder.chronicle()) if folder is not None and is_there else None
            verdict = report.verify(Path(path), chronicle, said)
        post(Verified(path, verdict))


def mails_in(folders: Sequence[Path]) -> list[Path]:
    """The saved mails in these folders, the newest first."""
    there = {
        file.resolve(): file for folder in folders for kind in MAILS for file in folder.glob(kind) if file.is_file()
    }
    return sorted(there.values(), key=lambda one: -one.stat().st_mtime)

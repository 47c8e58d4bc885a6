"""`forget`: people leave the ledger, and every file of the event folder that this program has written about them.

The ledger is the last to forget: whatever was broken off before is done again by the same command. Files of others are
never changed: those that still name somebody who was forgotten are told.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from html import unescape
from pathlib import Path
from typing import Literal

from tui import files, plan, report
from tui.address import key_of
from tui.errors import ConfirmationError, InputError
from tui.folder import Folder
from tui.ledger import Person, Written

ELSEWHERE = "Written with their names at other desks: ask there, and have each deleted or written anew."
MOVED = "Written with their names, and no longer where it was: wherever it is now, it still names them."
NO_UNDO = "Forgetting cannot be undone: nothing can be sent to them any more, no change and no cancellation."
HOLDING = "{} may hold an invitation to an event that is not over: {} first takes it back."
"""Who, and what does that."""

_CALLED: Mapping[str, str] = {"html": "a report", "csv": "a table", "evidence": "evidence"}
_Kind = Literal["message", "problems", "html", "csv"]

_OURS = re.compile(r"\d{4,}-.*\.eml")  # as a rehearsal and `status --save` name their messages
_PROBLEMS = b"file,line,code,problem,hint"
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"|\\@]+@[^\s<>()\[\],;:\"|/\\@]+")
_ESCAPE = re.compile(r"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4})")
_TEXTS = frozenset(
    {".csv", ".tsv", ".txt", ".md", ".html", ".htm", ".json", ".jsonl", ".eml", ".mbox", ".toml", ".ics", ".vcf", ".j2"}
)
_HEADERS = 1 << 16
"""Bytes in which a message of ours says to whom it is, and any file of ours what it is."""

_LARGEST = 1 << 26
"""Bytes of a file of others that is looked into."""


@dataclass(frozen=True, slots=True)
class Whom:
    """Who is to be forgotten: `people` whom the ledger knows; `others`, addresses that only files know, or that were
    forgotten before. `holding` are those who may hold an invitation to an event that is not over."""

    people: tuple[Person, ...]
    others: tuple[str, ...] = ()
    is_everybody: bool = False
    holding: int = 0

    @property
    def count(self) -> int:
        """How many people: what the organiser confirms."""
        return len(self.people) + len(self.others)

    @property
    def addresses(self) -> frozenset[str]:
        """Every address that they were ever known by, as comparisons use it."""
        found = {key_of(address) for address in self.others}
        for person in self.people:
            found |= {key_of(person.address), *(key_of(sent.address) for sent in person.messages)}
            found |= {key_of(text) for one in person.corrections if not one.header for text in (one.before, one.after)}
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done: how many people, messages in files, rows of problems.csv and copies of the ledger are gone; which
    reports were written anew; which files of others, evidence, and reports elsewhere still have the address of one of
    them; which reports of after they were sent something are no longer where they were written; and which of those
    another desk has written, where the ledger is shared and nothing can be looked into."""

    people: int
    messages: int
    rows: int
    backups: int
    reports: tuple[Path, ...]
    still_in: tuple[Path, ...]
    not_found: tuple[report.Noted, ...] = ()
    kinds: Mapping[Path, report.Kind] = field(default_factory=dict)
    """Which report of ours each of `still_in` is, where it is one."""

    elsewhere: tuple[Written, ...] = ()

    def still_named(self) -> Iterator[str]:
        """Each of `still_in`, with what to do about it where that is known here."""
        for path in self.still_in:
            option = f"`invite-tui report --{self.kinds.get(path)} PATH` writes it anew without them"
            match self.kinds.get(path):
                case None:
                    yield f"{path}"
                case "evidence":
                    words = "evidence, which cannot be changed and hold. Delete it once nobody needs it"
                    yield f"{path}: {words}; {option}, under a new seal."
                case _:
                    yield f"{path}: a report; {option}."

    def moved(self) -> Iterator[str]:
        """Each of `not_found`, in words."""
        for one in self.not_found:
            yield f"{one.path}, {_CALLED[one.kind]} of {one.at:%Y-%m-%d}"

    def at_other_desks(self) -> Iterator[str]:
        """Each of `elsewhere`, in words."""
        for one in self.elsewhere:
            what = _CALLED.get(one.kind, "a report")
            yield f"{one.path}, {what} of {one.at:%Y-%m-%d} by {one.desk.who} on {one.desk.place}"


@dataclass(frozen=True, slots=True)
class _Trace:
    """A file that this program wrote, and whom it names."""

    path: Path
    kind: _Kind
    named: frozenset[str]


def whom(folder: Folder, addresses: Sequence[str] | None) -> Whom:
    """Who is meant: these, or with None everybody. InputError where one of them is known to nobody here."""
    people = folder.people()
    if addresses is None:
        everybody = tuple(people.values())
        return Whom(everybody, is_everybody=True, holding=_holding(folder, everybody))
    known: dict[str, Person] = {}
    others: dict[str, str] = {}
    left_out = folder.left_out()
    for text in dict.fromkeys(addresses):
        try:
            known |= {person.key: person for person in plan.named(people, [text])}
        except InputError as error:
            is_known = left_out.generation(text, text) is not None
            if error.code != "unknown-address" or not (is_known or _is_in_a_file(folder, text)):
                raise
            others.setdefault(key_of(text), text)
    named = tuple(known.values())
    return Whom(named, tuple(others.values()), holding=_holding(folder, named))


def forget(folder: Folder, chosen: Whom) -> Forgotten:
    """Forgets them. BusyError while a run, or a reader, holds the ledger; LedgerError where there is none.

    ConfirmationError where the ledger has changed since they were chosen: then nothing was done.
    """
    keys = [person.key for person in chosen.people]
    folder.must_have_ledger(needed=True)
    with folder.ledger_to_write() as ledger:
        there = ledger.people().keys()
        if not there >= set(keys) or (chosen.is_everybody and len(there) != len(keys)):
            raise ConfirmationError("The ledger has changed meanwhile; nobody was forgotten.", hint="Ask again.")
        addresses = chosen.addresses
        messages = rows = 0
        reports = []
        for trace in _traces(folder):
            is_named = bool(trace.named & addresses)
            if trace.kind == "message":
                is_rehearsed = trace.path.parent.resolve() == folder.outbox.resolve()
                if is_named or (chosen.is_everybody and is_rehearsed):
                    trace.path.unlink(missing_ok=True)
                    messages += 1
            elif trace.kind == "problems":
                if is_named or chosen.is_everybody:
                    rows += _take_rows_out(trace.path, None if chosen.is_everybody else addresses)
            elif is_named:
                trace.path.unlink(missing_ok=True)
                reports.append((trace.path, trace.kind))
        file = folder.ledger_path if isinstance(folder.ledger_path, Path) else None
        backups = [*file.parent.glob(f"{_escaped(file.name)}.v*.bak*")] if file else []
        for backup in backups:
            backup.unlink(missing_ok=True)
        ledger.forget(keys)
        noted, elsewhere = _noted(folder, ledger.reports())
    _write_anew(folder, reports)
    still = tuple(dict.fromkeys(_still_naming(folder, noted, addresses)))
    anew = tuple(path for path, _ in reports)
    kinds = {path: kind for path in still if (kind := _kind_of(path)) is not None}
    since = min((person.messages[0].stamp for person in chosen.people if person.messages), default=None)
    gone = tuple(one for one in noted if since and one.at >= since and not _can_be_read(one.path))
    others = tuple(one for one in elsewhere if since and one.at >= since)
    return Forgotten(chosen.count, messages, rows, len(backups), anew, still, gone, kinds, others)


def _noted(folder: Folder, shared: Sequence[Written]) -> tuple[Sequence[report.Noted], Sequence[Written]]:
    """The reports with names that this machine can be asked for, by the register of this folder and the `shared` one in
    the ledger; and those of other desks that it cannot."""
    here = {one.path: one for one in report.noted(report.register_of(folder.event_path))}
    elsewhere = []
    for one in shared:
        known = report.on_this_machine(one, folder.desk)
        if known is None or not (known.path in here or _can_be_read(known.path)):
            elsewhere.append(one)
        else:
            here.setdefault(known.path, known)
    return [*here.values()], elsewhere


def _holding(folder: Folder, people: Collection[Person]) -> int:
    event = folder.event
    if event is None or all(one.is_over(datetime.now(UTC)) for one in event.each):
        return 0
    return sum(
        any(part.held is not None and part.held.action != "cancel" for part in person.sessions.values())
        for person in people
    )


def _is_in_a_file(folder: Folder, address: str) -> bool:
    return any(key_of(address) in trace.named for trace in _traces(folder))


def _traces(folder: Folder) -> Iterator[_Trace]:
    """Everything about people that this program has written here, known by how it is named or begins."""
    for path in _files(folder):
        with suppress(OSError):
            if _OURS.fullmatch(path.name):
                if len(to := _recipients(path)) == 1:
                    yield _Trace(path, "message", to)
                continue
            with files.open_to_read(path) as stream:
                begun = stream.read(_HEADERS)
            kind = report.kind_of(begun)
            if kind in ("html", "csv"):
                yield _Trace(path, kind, _addresses_in(path))
            elif begun.removeprefix(b"\xef\xbb\xbf").startswith(_PROBLEMS):
                yield _Trace(path, "problems", _addresses_in(path))


def _files(folder: Folder) -> Iterator[Path]:
    """The files of the event folder and of the folders in it, and of the outbox; no links, nothing of the ledger's."""
    home = folder.event_path.parent
    file = folder.ledger_path if isinstance(folder.ledger_path, Path) else None
    places = {place.resolve(): place for place in (home, folder.outbox) if place.is_dir()}
    with suppress(OSError):
        inner = (one for one in sorted(home.iterdir()) if one.is_dir() and not one.is_symlink())
        places |= {one.resolve(): one for one in inner if not one.name.startswith(".")}
    for place in places.values():
        with suppress(OSError):
            for path in sorted(place.iterdir()):
                if path.is_file() and not path.is_symlink() and not (file and path.name.startswith(file.name)):
                    yield path


def _recipients(path: Path) -> frozenset[str]:
    with files.open_to_read(path) as stream:
        headers = BytesHeaderParser().parsebytes(stream.read(_HEADERS))
    return frozenset(key_of(address) for _, address in getaddresses(map(str, headers.get_all("To", []))) if address)


def _addresses_in(path: Path) -> frozenset[str]:
    """Every address in a text, also as a page or JSON spells it."""
    raw = files.read(path)
    text = raw.decode("utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8", "replace")
    return frozenset(_addresses_of(text))


def _addresses_of(text: str) -> Iterator[str]:
    # An escape that is no letter of an address stays one: it would only end it.
    text = _ESCAPE.sub(lambda found: json.loads(f'"{found[0]}"'), unescape(text))
    for found in _ADDRESS.findall(text):
        yield key_of(found.strip(".'"))


def _take_rows_out(path: Path, addresses: frozenset[str] | None) -> int:
    """Takes the rows with one of these addresses out of a problems file, with None all of them; returns how many."""
    text = files.read(path).decode("utf-8-sig", "replace")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    left = [row for row in rows if addresses is not None and not _named_in(row) & addresses]
    if not left:
        path.unlink(missing_ok=True)
    else:
        out = io.StringIO(newline="")
        csv.writer(out).writerows([head, *left])
        report.write(path, [out.getvalue().encode("utf-8-sig")])
    return len(rows) - len(left)


def _named_in(row: Sequence[str]) -> frozenset[str]:
    return frozenset(key_of(found.strip(".'")) for cell in row for found in _ADDRESS.findall(cell))


def _write_anew(folder: Folder, reports: Sequence[tuple[Path, _Kind]]) -> None:
    if not reports:
        return
    with folder.chronicle() as chronicle:
        figures = report.figures(folder, chronicle, anonymous=False)
        for path, kind in reports:
            report.write(path, report.page(figures) if kind == "html" else report.table(figures))


def _still_naming(folder: Folder, noted: Iterable[report.Noted], addresses: frozenset[str]) -> Iterator[Path]:
    """The files here, and our reports wherever they were written, that have one of these addresses."""
    for path in _files(folder):
        with suppress(OSError):
            is_text = path.suffix.lower() in _TEXTS and path.stat().st_size <= _LARGEST
            if (is_text and _addresses_in(path) & addresses) or _is_a_report_of(path, addresses):
                yield path
    home = folder.event_path.parent
    for one in noted:
        with suppress(OSError, ValueError):
            if _is_a_report_of(one.path, addresses):
                # As `_files` would call it.
                inside = one.path.is_relative_to(home.resolve())
                yield home / one.path.relative_to(home.resolve()) if inside else one.path


def _is_a_report_of(path: Path, addresses: frozenset[str]) -> bool:
    """Whether it is a report or evidence with one of these addresses; of any size, and under any name."""
    with files.open_to_read(path) as stream:
        if report.kind_of(stream.read(_HEADERS)) is None:
            return False
        stream.seek(0)
        return any(found in addresses for line in stream for found in _addresses_of(line.decode("utf-8", "replace")))


def _can_be_read(path: Path) -> bool:
    with suppress(OSError, ValueError), files.open_to_read(path):
        return True
    return False


def _kind_of(path: Path) -> report.Kind | None:
    """Which of our reports a file is; None for every other one, and where it cannot be read."""
    with suppress(OSError, ValueError), files.open_to_read(path) as stream:
        return report.kind_of(stream.read(_HEADERS))
    return None


def _escaped(name: str) -> str:
    """`name` as a pattern that is nothing but itself."""
    return re.sub(r"([*?\[])", r"[\1]", name)

"""What a run's messages are made of, packed for another machine: the event, the wordings, the attachments, the columns.

The event's uid stays: every message has a UID of its own already. Columns marked internal are not in it, nor any of
their values. What a worker composes has to be, to the byte, what was composed and cleared where the run was planned.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tui.attendees import Attendee, Columns
from tui.errors import LedgerError
from tui.event import Change
from tui.folder import Choices, Folder
from tui.ledger import Person
from tui.ledger.relay import Due
from tui.plan import Action, known

_EVENT = "event.toml"
_NO_UID = "stays where it was planned"

Keep = Callable[[bytes, str], object]
"""Keeps a file by its digest."""

Get = Callable[[str], bytes | None]
"""The file of a digest; None where it is not kept any more."""


class Gone(LedgerError):
    """The run is over: nothing of what its messages were made of is kept any more."""


def pack(folder: Folder, keep: Keep) -> dict[str, Any]:
    """Keeps all files, and says which is which."""
    import tomlkit

    def kept(content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        keep(content, digest)
        return digest

    document: Any = tomlkit.parse(folder.event_path.read_text(encoding="utf-8-sig"))
    document["event"]["uid"] = _NO_UID
    beside = folder.event_path.parent.resolve()
    attached = {path.resolve().relative_to(beside).as_posix(): path for path in folder.attached_files}
    return {
        "event": kept(tomlkit.dumps(document).encode()),
        "wordings": {
            action: [kept(text.encode("utf-8", "surrogatepass")) for text in texts]
            for action, texts in folder.wording_texts.items()
        },
        "files": {name: kept(path.read_bytes()) for name, path in attached.items()},
        "columns": [_document_of(columns) for columns in folder.attendees.columns],
    }


def unpack(
    made_of: Mapping[str, Any],
    get: Get,
    directory: Path,
    choices: Choices,
    environment: Mapping[str, str] | None,
) -> tuple[Folder, "Everybody"]:
    """Makes an event folder of it in `directory`; `choices` say the rest. Gone where the run is over."""

    def got(digest: str) -> bytes:
        content = get(digest)
        if content is None:
            raise Gone("This run is over.")
        if hashlib.sha256(content).hexdigest() != digest:
            raise LedgerError("What the ledger keeps of this run is damaged: a file is not what its digest says.")
        return content

    for name, digest in {_EVENT: made_of["event"], **made_of["files"]}.items():
        path = (directory / name).resolve()
        if not path.is_relative_to(directory.resolve()):
            raise LedgerError("What the ledger keeps of this run is damaged: a file's name leads elsewhere.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(got(digest))
    texts = {
        action: [got(digest).decode("utf-8", "surrogatepass") for digest in each]
        for action, each in made_of["wordings"].items()
    }
    folder = Folder(replace(choices, event=str(directory / _EVENT)), environment).with_wording_texts(texts)
    return folder, Everybody([_columns_of(one) for one in made_of["columns"]])


class Everybody:
    """Makes the actions of those to whom messages are due, as the plan had them."""

    def __init__(self, columns: Sequence[Columns]) -> None:
        self._columns = {frozenset(_shown(one)): one for one in columns}

    def action_of(self, due: Due) -> Action:
        sent = due.sent
        return Action(
            *(self._attendee_of(due), sent.action, "due", "", sent.uid, sent.sequence, sent.generation, sent.round),  # type: ignore[arg-type]  # the table's CHECK holds it to the verbs
            facts=sent.facts,
            changes=tuple(Change(*change) for change in due.told.get("changes", ())),
            in_reply_to=due.told.get("in_reply_to"),
            pending=sent,
            session=sent.session,
        )

    def _attendee_of(self, due: Due) -> Attendee:
        columns = self._columns.get(frozenset(due.fields))
        sent = due.sent
        if columns is None:  # somebody of whom no list says anything any more
            return known(Person(sent.key, sent.address, due.name, due.group, due.fields, (sent,)))
        cells = tuple(due.fields.get(header, "") for header in columns.headers)
        return Attendee(sent.key, sent.address, due.name, due.group, "", 0, cells, columns)


def told_of(action: Action) -> dict[str, Any]:
    """What of an action the ledger's own columns do not say."""
    told: dict[str, Any] = {}
    if action.in_reply_to:
        told["in_reply_to"] = action.in_reply_to
    if action.changes:
        told["changes"] = [[change.what, change.old, change.new] for change in action.changes]
    return told


def _shown(columns: Columns) -> set[str]:
    """The headers under which the ledger keeps cells: those of internal columns it never has."""
    return set(columns.headers) - {columns.headers[at] for at in columns.internal}


def _document_of(columns: Columns) -> dict[str, Any]:
    return {
        "headers": columns.headers,
        "placeholders": dict(columns.placeholders),
        "by_header": dict(columns.by_header),
        "address": columns.address,
        "also": columns.also,
        "name": columns.name,
        "other_names": columns.other_names,
        "internal": sorted(columns.internal),
        "duplicates": sorted(columns.duplicates),
    }


def _columns_of(document: Mapping[str, Any]) -> Columns:
    return Columns(
        headers=tuple(document["headers"]),
        placeholders=document["placeholders"],
        by_header=document["by_header"],
        address=document["address"],
        also=tuple(document["also"]),
        name=tuple(document["name"]),
        other_names=tuple(map(tuple, document["other_names"])),
        internal=frozenset(document["internal"]),
        duplicates=frozenset(document["duplicates"]),
    )

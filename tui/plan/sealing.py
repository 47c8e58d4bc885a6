"""What a plan's digest covers (contract §3, `--approve`)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from tui.event import Event
from tui.plan.actions import Action


class Seal:
    """SHA-256 over everything that decides what goes out; the event's uid is in it only through the UIDs.

    `sealed` is all else that it is to cover beside the event and the actions, which are added one by one.
    """

    def __init__(self, event: Event, sealed: Sequence[str]) -> None:
        self._seal = hashlib.sha256()
        self._headers: tuple[str, ...] = ()
        said = {
            **{name: str(getattr(event, name)) for name in ("title", "start", "end", "timezone", "location")},
            **{name: str(getattr(event, name)) for name in ("join_url", "description", "organizer", "all_day", "rule")},
            "reply_by": str(event.reply_by),
            "message": str(replace(event.message, attachments=())),
            "attachments": [path.name for path in event.message.attachments],
            "sealed": list(sealed),
        }
        self._seal.update(json.dumps(said, sort_keys=True).encode())
        for session in event.sessions:
            facts = (session.session, session.title, *session.span, session.location, session.join_url)
            self._seal.update(json.dumps([*facts, session.description]).encode())

    def add(self, action: Action) -> None:
        # In Python's own spelling, which says where each part ends and takes half the time of JSON's.
        person = action.attendee
        if person.columns.headers != self._headers:
            self._headers = person.columns.headers
            self._seal.update(repr(self._headers).encode())
        version = (action.action, action.kind, action.uid, action.sequence, action.round)
        row = repr((version, person.key, person.address, person.name, person.group, person.cells))
        self._seal.update(row.encode("utf-8", "replace"))

    @property
    def digest(self) -> str:
        return self._seal.hexdigest()

"""What the messages are made of, and what they are judged by: the wordings, the composer, the guard's roll."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from tui import ledger as ledgers
from tui import plan
from tui.errors import InputError, Problem
from tui.folder.account import WithAccount
from tui.folder.places import fingerprint_of
from tui.plan import Action

if TYPE_CHECKING:
    # Composing, and with it Jinja2, Markdown and icalendar, is loaded when the first message is composed: the attendees
    # are on the screen before that.
    from tui.guard import Roll
    from tui.invitation import Composer, Wording

_TEMPLATES: Mapping[str, str] = {"invite": "invitation", "update": "update", "cancel": "cancellation"}

_SAMPLE = 200
"""People of each file whose values are tried to see which columns reach a message."""


class WithMaterials(WithAccount):
    @cached_property
    def _wordings(self) -> "Mapping[str, Wording]":
        from tui.invitation import load_wording

        event, folder = self._event, self.event_path.parent
        named = self.choices.template
        first = named or event.message.template or _TEMPLATES["invite"]
        names = {**_TEMPLATES, "invite": first, **({"update": named} if named else {})}
        if named and self.choices.cancels:
            # Else a cancellation is the one to an old address, which an invitation's wording would be a lie above.
            names["cancel"] = named
        loaded = {name: load_wording(name, folder, None) for name in dict.fromkeys(names.values()) if name != first}
        # [message] subject is the invitation's: "Invitation: ..." above a cancellation would be a lie.
        loaded[first] = load_wording(first, folder, event.message.subject)
        return {action: loaded[name] for action, name in names.items()}

    @property
    def wording_texts(self) -> Mapping[str, Sequence[str]]:
        """All that each action's wording is made of, to be made again elsewhere: see `Wording.of`."""
        return {action: wording.sources for action, wording in self._wordings.items()}

    @property
    def attached_files(self) -> Sequence[Path]:
        """The files of the event folder that go with anybody's message."""
        folder = self.event_path.parent.resolve()
        return [path for path in self._attachments() if path.is_file() and path.resolve().is_relative_to(folder)]

    def judges_for(self, addresses: Iterable[str]) -> "tuple[Composer, Roll]":
        """What composes messages, and judges them, where of those who are invited no more is known than these."""
        return self._composer, self._roll_of(addresses)

    @cached_property
    def _composer(self) -> "Composer":
        from tui.invitation import Composer

        with ledgers.open_to_read(self.ledger_path) as ledger:
            dead = ledger.dead_links()
        return Composer(self._event, self._wordings, plan.event_of, dead)

    @cached_property
    def _wording_digests(self) -> Mapping[str, str]:
        """What each action's message says beside time, place, link and title: a change of it alone sends nothing."""
        message = self._event.message
        files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in message.attachments if path.is_file()]
        common = [self._event.description, message.subject or "", *files]
        common += [self._event.reply_by_in_words] if self._event.reply_by else []
        return {
            action: hashlib.sha256("\0".join([*wording.sources, *common]).encode("utf-8", "replace")).hexdigest()[:16]
            for action, wording in self._wordings.items()
        }

    @cached_property
    def _roll(self) -> "Roll":
        with ledgers.open_to_read(self.ledger_path) as ledger:
            ledger.belongs_to(fingerprint_of(self._event))
            sent_to = ledger.addresses()
        return self._roll_of(chain((wire for _, wire in self.attendees.records.identities()), sent_to))

    def _roll_beside(self, shown: Action) -> "Roll":
        """The guard's roll for a look at one message: of a long list, only who could be named in it.

        A send judges every message by all of it.
        """
        from tui import checking
        from tui.invitation import Uncomposable

        records = self.attendees.records
        if "_roll" in self.__dict__ or len(records) <= checking.EVERYBODY:
            return self._roll
        own, named = shown.attendee.address, set[str]()
        with suppress(Uncomposable):  # what stands in its way is said where it is prepared
            named = checking.named_in(shown, self._composer)
        # As it is spelled before the @: the domain may stand in the file in another form.
        beside = {records[row].address for key in named for row in records.find(f"{key.rpartition('@')[0]}@")} - {own}
        return self._roll_of(beside) if beside else self._roll_of_nobody

    @cached_property
    def _roll_of_nobody(self) -> "Roll":
        return self._roll_of(())

    def _roll_of(self, addresses: "Iterable[str] | None") -> "Roll":
        """What the guard looks for: these addresses (None: all of the list's and the ledger's), and internal values."""
        from tui.guard import Roll

        if addresses is None:
            return self._roll
        event = self._event
        parts = self.attendees.records.parts
        internal = {value for part in parts for at in part.columns.internal for value in part.values(at)}
        sender = event.message.sender
        public = [event.organizer.email, *([sender.email] if sender else []), event.message.reply_to or ""]
        said = [
            *(word for one in (event, *event.sessions) for word in (one.title, one.location, one.description)),
            *(word for one in event.each for word in (one.join_url, one.when, one.timezone)),
            *(event.organizer.name, event.message.language, sender.name if sender else ""),
        ]
        return Roll(
            addresses,
            internal,
            filter(None, public),
            "\n".join([*said, *(wording.words for wording in self._wordings.values())]),
            event.message.reviewed,
        )

    def columns(self) -> dict[str, list[str]]:
        """Which CSV columns reach a message, and which stay on this machine."""
        leaving = self.columns_where()
        headers = dict.fromkeys(header for columns in self.attendees.columns for header in columns.headers)
        return {
            "leaving": [header for header in headers if header in leaving],
            "staying": [header for header in headers if header not in leaving],
        }

    def columns_where(self) -> Mapping[str, tuple[str, ...]]:
        """The CSV columns that reach any message, and in which places they were seen: see `invitation.leaving`."""
        return self._columns_where

    @cached_property
    def _columns_where(self) -> Mapping[str, tuple[str, ...]]:
        from tui.invitation.leaving import PLACES, columns_leaving

        found: dict[str, set[str]] = {}
        for part in self.attendees.records.parts:
            sound = (row for row in part if not row.has_error and row.withdrawn is None)
            for at, places in columns_leaving(self._composer, part.columns, [*islice(sound, _SAMPLE)]).items():
                found.setdefault(part.columns.headers[at], set()).update(places)
        return {header: tuple(place for place in PLACES if place in places) for header, places in found.items()}

    def _attachments(self) -> Iterator[Path]:
        yield from self._event.message.attachments
        for part in self.attendees.records.parts:
            at = part.columns.by_header.get("attachment")
            if at is not None:
                names = sorted(name for cell in part.values(at) if (name := cell.strip()))
                yield from (self.event_path.parent / name for name in names)

    @cached_property
    def _wording_problems(self) -> tuple[Problem, ...]:
        """What is wrong with the wording and the files that everybody gets, whoever the attendee is."""
        try:
            self._composer  # noqa: B018  # what it cannot be made of is said here
        except InputError as error:
            return error.problems
        found = [
            problem
            for columns in self.attendees.columns
            for wording in {id(w): w for w in self._wordings.values()}.values()
            for problem in wording.check(columns)
        ]
        return tuple(dict.fromkeys(found))

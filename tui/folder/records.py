"""What was sent, as an event folder's ledger holds it."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tui import ledger as ledgers
from tui.attendees import Attendee
from tui.clean import file_name
from tui.errors import InputError, LedgerError
from tui.folder.opening import Opened
from tui.folder.places import fingerprint_of
from tui.folder.promise import Promise, has_replacement
from tui.ledger import CalledOff, Changes, Chronicle, Ledger, LeftOut, Person, Planned


class Recorded(Opened):
    """`people` and all else that the ledger is asked for is asked anew each time."""

    def people(self, *, history: bool = False) -> Mapping[str, Person]:
        """What the ledger holds of everybody, by key."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            if self.event:
                ledger.belongs_to(fingerprint_of(self.event))
            return ledger.people(history=history)

    def forgotten(self) -> tuple[Person, ...]:
        """What the ledger holds of those who were forgotten, for the totals."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            return ledger.forgotten()

    @property
    def due_to_forget(self) -> int:
        """How many people were to be kept until a day that is over."""
        is_over = self.event is not None and self.event.is_kept_too_long(datetime.now(UTC))
        return len(self.people()) if is_over else 0

    @property
    def is_forgetting(self) -> bool:
        """Whether forgetting was broken off, so that the file may still hold what the ledger has forgotten."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            return ledger.is_unfinished()

    def left_out(self) -> LeftOut:
        """Who was forgotten, as far as it can still be told: see `LeftOut`."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            return ledger.left_out()

    @contextmanager
    def ledger_to_read(self) -> Iterator[Ledger]:
        """The event's ledger, also beside a run."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            if self.event:
                ledger.belongs_to(fingerprint_of(self.event))
            yield ledger

    def changes(self) -> Changes:
        """Tells of whatever is recorded in the ledger from now on, by this desk or another one."""
        return ledgers.follow(self.ledger_path)

    @contextmanager
    def ledger_to_write(self) -> Iterator[Ledger]:
        """The event's ledger, held like a run holds it. BusyError while one does."""
        with ledgers.open_for_run(self.ledger_path, self.desk) as ledger:
            if self.event:
                ledger.belongs_to(fingerprint_of(self.event))
            yield ledger

    @contextmanager
    def ledger_to_send(self, *, is_handed_over: bool = False) -> Iterator[Ledger]:
        """The event's ledger, held for a run, and a file beside the event that says which one it was: `marker.kept`."""
        with (
            self.ledger_to_write() as ledger,
            ledgers.marker.kept(self._marker_path, ledger, self.ledger_path, is_handed_over=is_handed_over),
        ):
            yield ledger

    def _people_like(self, attendee: Attendee) -> Mapping[str, Person]:
        """Whom the ledger knows by this attendee's key or address."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            ledger.belongs_to(fingerprint_of(self._event))
            return ledger.people_like(attendee.key, attendee.address)

    def _standing(self) -> tuple[Mapping[str, Person], CalledOff]:
        """What the ledger holds of everybody, and whether the event was cancelled for all."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            ledger.belongs_to(fingerprint_of(self._event))
            return ledger.people(), ledger.called_off()

    @contextmanager
    def chronicle(self) -> Iterator[Chronicle]:
        """Everything that the ledger holds, as of one moment."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            if self.event:
                ledger.belongs_to(fingerprint_of(self.event))
            with ledger.chronicle() as found:
                yield found

    def save_kept(self, directory: Path) -> int:
        """Writes the messages that the ledger has kept to `directory`, one file each; returns how many.

        InputError where that is not possible.
        """
        count = 0
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with ledgers.open_to_read(self.ledger_path) as ledger:
                for attempt, address, raw in ledger.kept():
                    path = directory / f"{attempt:04}-{file_name(address)}.eml"
                    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                        file.write(raw)
                    count += 1
        except OSError as error:
            raise InputError(
                f"{directory} cannot be written: {error.strerror}.", hint="Name another folder.", code="unwritable"
            ) from None
        return count

    @property
    def promise(self) -> "Promise | None":
        """The replacement that is owed to people, None where none was promised; asked anew each time."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            owed = ledger.promised()
            if not owed:
                return None
            people, gone = ledger.people(), {person.key: person for person in ledger.forgotten()}
        everybody = {**people, **gone}
        kept = {key for key, at in owed.items() if key in everybody and has_replacement(everybody[key], at)}
        forgotten = owed.keys() & gone.keys() - kept
        released = {key for key in owed if key in people and people[key].cancelled} - kept
        still = owed.keys() - kept - released - forgotten
        return Promise(len(owed), len(kept), len(still), self.event, len(released), len(forgotten))

    def must_have_ledger(self, *, needed: bool = False) -> None:
        """LedgerError where messages of this event went out, and the record of them is missing, older or another; with
        `needed` wherever there is none."""
        ledgers.marker.check(self._marker_path, self.ledger_path)
        if needed and not ledgers.is_there(self.ledger_path):
            raise LedgerError(
                f"There is no ledger {ledgers.spelled(self.ledger_path)}: nothing was ever sent from here.",
                hint="Go to the event folder, or name the ledger with --ledger.",
                code="ledger-missing",
            )

    @property
    def _marker_path(self) -> Path:
        return self.event_path.with_name(f"{self.event_path.stem}.ledger.sent")

    def must_be_free(self) -> None:
        """BusyError while another run holds the ledger."""
        ledgers.must_be_free(self.ledger_path)

    def adopt(self, entries: Sequence[Planned], reply: str, promised: Iterable[str], dead_links: Iterable[str]) -> None:
        """Puts down what another program sent, what is owed for it, and the links that are dead: see `Ledger.adopt`."""
        with ledgers.open_for_run(self.ledger_path, self.desk) as ledger:
            if self.event:
                ledger.belongs_to(fingerprint_of(self.event))
            ledger.adopt(entries, reply, promised, dead_links)

"""An event folder, opened: the event, the attendees, the wording and the ledger, and all that a face can ask of them.

Both faces work through this. Opening reads everything once and writes nothing but a missing event uid.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tui import event as event_file
from tui import ledger as ledgers
from tui import plan, settings
from tui.address import key_of
from tui.attendees import Attendee, AttendeeList, ColumnSettings, Seen, load, squash
from tui.clean import file_name
from tui.delivery import AccountStore, account_from_settings
from tui.delivery.pacing import DAY, Quota
from tui.delivery.providers import LOOPBACK, Provider, provider_of
from tui.errors import AccountError, InputError, LedgerError, Problem, UsageError
from tui.event import Event
from tui.ledger import Chronicle, Ledger, LeftOut, Person, Planned
from tui.plan import Action, Amendment, Plan

if TYPE_CHECKING:
    # Composing, and with it Jinja2, Markdown and icalendar, is loaded when the first message is composed: the attendees
    # are on the screen before that.
    from tui.delivery import Account, Connection, ImapLogin, Secret
    from tui.delivery.accounts import Credential
    from tui.delivery.timing import Forecast
    from tui.guard import Roll
    from tui.invitation import Composer, Wording
    from tui.mailing import Control, Mailing, Pacing, Question, Settled, Waiting

Tell = Callable[[int, int], object]
"""Is told how many of how many are done."""

_PREPARED_FOR = 600.0
"""Seconds for which messages that were made before a question may go out after it."""

_SAMPLE = 200
"""People of each file whose values are tried to see which columns reach a message."""

_URGENT = 7
"""Days before the event from which a promise that is not kept is shown in red."""

_CLOCKS_DIFFER = timedelta(minutes=5)
"""Two clocks that differ by less are one clock that was put right."""

_OF_THE_WORDING = (
    *("_wording_problems", "_wording_digests", "_composer", "_roll", "_roll_of_nobody", "_columns_where"),
    *("problems", "errors", "_by_record", "_faulty_rows"),
)
"""What is remembered of a folder and would be another thing with another wording."""

_TEMPLATES: Mapping[str, str] = {"invite": "invitation", "update": "update", "cancel": "cancellation"}


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as it would be sent: read back from its final bytes, which are `source`."""

    address: str
    action: str
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    calendar: str
    source: bytes


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


@dataclass(frozen=True, slots=True)
class Promise:
    """A replacement invitation that is owed: to how many, how many have it, and how many are still to get it.

    `released` were cancelled by name since, and `forgotten` are not known any more: neither is sent it.
    """

    owed: int
    sent: int
    open: int
    event: Event | None
    released: int = 0
    forgotten: int = 0

    @property
    def days_left(self) -> int | None:
        """Whole days until the event begins; negative when it is over, None where it is not known when it is."""
        return (self.event.start - datetime.now(UTC)).days if self.event else None

    @property
    def in_words(self) -> str:
        people = "1 person" if self.owed == 1 else f"{self.owed} people"
        others = f", {self.released} released because they were cancelled by name" * bool(self.released)
        others += f", {self.forgotten} forgotten" * bool(self.forgotten)
        if not self.open and others:
            return f"A replacement invitation was promised to {people}: {self.sent} sent{others}."
        if not self.open:
            return f"The promised replacement has gone to {'all ' * (self.owed > 1)}{people}." if self.sent else ""
        words = f"A replacement invitation is owed to {people}: {self.sent} sent, {self.open} still to send{others}."
        days = self.days_left
        if days is None:
            return words
        when = f"in {days} days" if days > 1 else "tomorrow" if days == 1 else "within a day" if not days else "over"
        return f"{words} The event is {when}."

    @property
    def document(self) -> dict[str, int | None]:
        """The same as JSON spells it; who is not owed it any more only where there is somebody."""
        counts = {"owed": self.owed, "sent": self.sent, "open": self.open, "days_left": self.days_left}
        others = {"released": self.released, "forgotten": self.forgotten}
        return {**counts, **{what: count for what, count in others.items() if count}}

    @property
    def is_urgent(self) -> bool:
        return bool(self.open) and self.days_left is not None and self.days_left <= _URGENT


class Folder:
    """See `open_folder`. Everything that is read is read once; `people` is asked anew each time.

    `seen` is told of the first attendees while the rest is still being read: see `attendees.load`.
    """

    def __init__(self, choices: Choices, environment: Mapping[str, str] | None, seen: Seen | None = None) -> None:
        self.choices = choices
        for file in choices.files:
            _must_be_there(file)
        self.event_path = _event_path(choices)
        self._environment = environment
        event, problems = event_file.load(self.event_path, str(self.event_path))
        self._unsaved: InputError | None = None
        self.event: Event | None = self._with_uid(event) if event else None
        columns = event.columns if event else {}
        self.attendees: AttendeeList = load(
            choices.files,
            ColumnSettings(**columns),  # type: ignore[arg-type]  # event.py checks each key and its type
            encoding=choices.encoding,
            seen=seen,
        )
        self.ledger_path = _ledger_path(choices, self.event_path)
        self.outbox = Path(choices.outbox) if choices.outbox else self.event_path.parent / "outbox"
        self._event_problems = problems
        self._prepared: tuple[Plan, str, Mailing, float] | None = None

    def anew(self) -> "Folder":
        """The same choices, and everything read again."""
        return Folder(self.choices, self._environment)

    def _with_uid(self, event: Event) -> Event:
        """The event with its uid. Where a new one cannot be saved, who only looks goes on with one for the moment."""
        try:
            return event_file.ensure_uid(event)
        except InputError as error:
            self._unsaved = error
            return replace(event, uid=secrets.token_hex(16))

    # --- what is wrong -------------------------------------------------------------------------------------------

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that `check` finds, the event's first, then in the order of the files."""
        found = [*self._event_problems, *self._about_time(), *self.attendees.problems]
        if self.event:
            found += plan.session_problems(self.event, self.attendees.records)
            found += plan.clashes(self.attendees.records, self.people())
        if self.event is None:
            # Without its [columns] a file's header may be misjudged.
            return tuple(p for p in found if p.code not in ("no-address-column", "no-attendees"))
        wording = self._wording_problems
        found = [*_judged_by_the_wording(found, wording)]
        if not any(problem.severity == "error" for problem in wording) and not self.attendees.file_errors:
            found += self._message_problems()
        return tuple(dict.fromkeys(found))

    def problems_of(self, attendee: Attendee) -> tuple[Problem, ...]:
        return self._by_record.get((attendee.file, attendee.line), ())

    @cached_property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @cached_property
    def _by_record(self) -> Mapping[tuple[str, int], tuple[Problem, ...]]:
        found: dict[tuple[str, int], list[Problem]] = {}
        for problem in self.problems:
            if problem.file is not None and problem.line is not None:
                found.setdefault((problem.file, problem.line), []).append(problem)
        return {place: tuple(problems) for place, problems in found.items()}

    def _about_time(self) -> Iterator[Problem]:
        now = datetime.now(UTC)
        for event in self.event.each if self.event else ():
            if event.is_over(now):
                what = f"The session {event.session}" if event.session else "The event"
                yield Problem(
                    "warning",
                    "past-event",
                    f"{what} was on {event.when}: that is over.",
                    file=str(self.event_path),
                    value=event.span[0],
                    hint="Correct start and end in the event file.",
                )
        if self.event and self.event.is_too_late_to_reply(now):
            yield Problem(
                "warning",
                "past-event",
                f"reply_by was {self.event.reply_by_in_words}: that is over.",
                file=str(self.event_path),
                line=self.event.line_of("event", "reply_by"),
                value=str(self.event.reply_by),
                hint="Choose a later day, or take it out of the event file.",
            )

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

    def _message_problems(self) -> Iterator[Problem]:
        """What stands in the way of single messages, found as a send would find it."""
        from tui import checking

        yield from checking.message_problems(self._event, self.attendees, self.people(), self._composer, self._roll_of)

    # --- what would be sent --------------------------------------------------------------------------------------

    def plan(self, *, only: Sequence[str] = (), skip_errors: bool = False) -> Plan:
        """What a send would do. InputError where an error is in the way; with `skip_errors` its row is left out."""
        if refusal := self.refusal(skip_errors=skip_errors):
            raise refusal
        people, off = self._standing()
        made = plan.make(
            *(self._event, self.attendees.records, people, self._sealed()),
            off=off,
            wordings=self._wording_digests,
            left_out=self._faulty_rows,
            forgotten=self.left_out(),
        )
        return made.only(only) if only else made

    def plan_reminder(
        self, *, only: Sequence[str] = (), skip_errors: bool = False, left_alone: Mapping[str, str] | None = None
    ) -> Plan:
        """A reminder to those of whom no reply has been seen. `left_alone`: see `plan.make_reminder`."""
        if refusal := self.refusal(skip_errors=skip_errors):
            raise refusal
        records = [one for one in self.attendees.records if not self._has_error(one)]
        people, off = self._standing()
        made = plan.make_reminder(
            *(self._event, records, people, self._sealed()),
            now=datetime.now(UTC),
            off=off,
            left_alone=left_alone or {},
        )
        return made.only(only) if only else made

    def plan_for(self, records: Sequence[Attendee], people: Mapping[str, Person]) -> Plan:
        """What a send would do for these alone, of whom the ledger holds `people`: to look at, not to be approved."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            off, left_out = ledger.called_off(), ledger.left_out()
        return plan.make(self._event, records, people, off=off, wordings=self._wording_digests, forgotten=left_out)

    def refusal(self, *, skip_errors: bool = False) -> InputError | None:
        """Why there can be no plan: an error is in the way; with `skip_errors` one that no row can be left out for."""
        if not self.errors or (skip_errors and self._can_skip()):
            return None
        hint: str | None = "Correct it, or leave the rows with errors out with --skip-errors."
        if not self._can_skip():
            hint = next(error.hint for error in self.errors if not self._can_be_skipped(error))
        elif len(self._faulty_rows) == len(self.attendees.records):
            hint = self.errors[0].hint  # to leave everybody out is no help: it is one thing that is wrong with all
        return InputError(
            _summary(self.errors),
            hint=hint,
            code="problems",
            problems=self.problems,
        )

    def plan_resend(self, addresses: Sequence[str], amendment: Amendment | None = None) -> Plan:
        """The current version again, to these people alone; with what is corrected of one of them."""
        return plan.make_resend(
            *(self._event, self._listed(), self.people(), addresses, self._sealed()),
            amendment=amendment,
            wordings=self._wording_digests,
            forgotten=self.left_out(),
        )

    def plan_cancel(self, addresses: Sequence[str] | None) -> Plan:
        """These people's invitations taken back; with None everybody's."""
        return plan.make_cancel(
            *(self._event, self._listed(), self.people(), addresses, self._sealed()), forgotten=self.left_out()
        )

    def _listed(self) -> Mapping[str, Attendee]:
        return {record.key: record for record in self.attendees.records if not record.has_error}

    def _standing(self) -> tuple[Mapping[str, Person], str]:
        """What the ledger holds of everybody, and its mark of an event that was cancelled for all."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            ledger.belongs_to(_fingerprint(self._event))
            return ledger.people(), ledger.called_off()

    def prepare(
        self, intended: Plan, *, note: str = "", control: "Control | None" = None, tell: Tell | None = None
    ) -> "Mailing":
        """Every message of the plan, composed and cleared; InputError or LeakError where one cannot go.

        `control` stops it, `tell` is told how far it is: see `mailing.prepare`.
        """
        from tui import mailing

        made = mailing.prepare(intended, self._composer, self._roll, note=note, control=control, tell=tell)
        self._prepared = (intended, note, made, monotonic())
        return made

    def _prepared_lately(self, intended: Plan, note: str) -> "Mailing | None":
        """What was prepared of this very plan before the organiser was asked: once, because its Message-IDs are, and
        only while its Date is not a thing of the past."""
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared[0] is not intended or prepared[1] != note:
            return None
        return prepared[2] if monotonic() - prepared[3] < _PREPARED_FOR else None

    def read_through(self, intended: Plan, *, note: str = "") -> "Iterator[MessageView]":
        """The plan's messages one after the other, as a send would make them: to look at. InputError or LeakError."""
        from tui import mailing

        for action in intended.to_send:
            made = mailing.prepare(Plan((action,), ""), self._composer, self._roll_beside(action), note=note)
            yield _read_back(action.attendee.address, action.action, made.clear(made.letters[0]).raw)

    def worded(self, template: str) -> "Folder":
        """The same folder, whose invitations and updates have this wording. InputError where there is no such one.

        Nothing is read again but the wording: a long list is shared with this folder.
        """
        from tui.invitation import load_wording

        wording = load_wording(template, self.event_path.parent, None)
        other = copy(self)
        for name in _OF_THE_WORDING:
            other.__dict__.pop(name, None)
        other._prepared = None
        other.__dict__["_wordings"] = {**self._wordings, "invite": wording, "update": wording}
        return other

    def view(self, attendee: Attendee, session: str | None = None) -> MessageView:
        """The message that this attendee would be sent, or holds: of their first session, or of the one that is named.

        InputError or LeakError where there can be none.
        """
        from tui import mailing

        # Not `problems`: one person's message is shown before everybody's has been composed.
        place = (attendee.file, attendee.line)
        own = [problem for problem in self.attendees.problems if (problem.file, problem.line) == place]
        if self.event:
            own += plan.session_problems(self.event, [attendee])
        common = (*self._event_problems, *(self._wording_problems if self.event else ()))
        faults = [problem for problem in (*own, *common) if problem.severity == "error"]
        if faults:
            raise InputError(faults[0].message, hint=faults[0].hint, code=faults[0].code, problems=faults)
        about = self._session_to_show(attendee, session)
        people = {
            key: part
            for key, person in self._people_like(attendee).items()
            if (part := person.sessions.get(about.session))
        }
        action = [one for one in plan.make(about, [attendee], people).actions if one.kind != "removed"][-1]
        if action.action == "none":
            # As corrected since, where it was.
            first = plan.make(about, [replace(action.attendee, withdrawn=None)], {}).actions[0]
            shown = replace(first, uid=action.uid or first.uid, sequence=action.sequence)
        else:
            shown = action
        made = mailing.prepare(Plan((shown,), ""), self._composer, self._roll_beside(shown))
        return _read_back(shown.attendee.address, action.action, made.clear(made.letters[0]).raw)

    def find(self, text: str) -> Attendee:
        """Who has this address on the list, or has been corrected to it. InputError where nobody has."""
        key = key_of(text)
        records = self.attendees.records
        for record in records:
            if key_of(record.address) == key:
                return record
        was = {key_of(person.address): person.key for person in self.people().values() if person.corrections}
        for record in records:
            if record.key == was.get(key):
                return record
        raise InputError(f"{text} is not on the list.", hint="Check the spelling.", code="unknown-address")

    def _session_to_show(self, attendee: Attendee, name: str | None) -> Event:
        if name is None:
            return plan.sessions_of(self._event, attendee)[0][0]
        found = plan.find_session(self._event, name)
        if found is None:
            ids = ", ".join(one.session for one in self._event.sessions) or "none"
            raise InputError(f"The event has no session “{name}”.", hint=f"It has: {ids}.", code="unknown-session")
        return found

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

    # --- what was sent -------------------------------------------------------------------------------------------

    def people(self, *, history: bool = False) -> Mapping[str, Person]:
        """What the ledger holds of everybody, by key."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            if self.event:
                ledger.belongs_to(_fingerprint(self.event))
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
                ledger.belongs_to(_fingerprint(self.event))
            yield ledger

    @contextmanager
    def ledger_to_write(self) -> Iterator[Ledger]:
        """The event's ledger, held like a run holds it. BusyError while one does."""
        with ledgers.open_for_run(self.ledger_path) as ledger:
            if self.event:
                ledger.belongs_to(_fingerprint(self.event))
            yield ledger

    def _people_like(self, attendee: Attendee) -> Mapping[str, Person]:
        """Whom the ledger knows by this attendee's key or address."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            ledger.belongs_to(_fingerprint(self._event))
            return ledger.people_like(attendee.key, attendee.address)

    @contextmanager
    def chronicle(self) -> Iterator[Chronicle]:
        """Everything that the ledger holds, as of one moment."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            if self.event:
                ledger.belongs_to(_fingerprint(self.event))
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
            raise InputError(f"{directory} cannot be written: {error.strerror}.", code="unwritable") from None
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
        kept = {key for key, at in owed.items() if key in everybody and _has_replacement(everybody[key], at)}
        forgotten = owed.keys() & gone.keys() - kept
        released = {key for key in owed if key in people and people[key].cancelled} - kept
        still = owed.keys() - kept - released - forgotten
        return Promise(len(owed), len(kept), len(still), self.event, len(released), len(forgotten))

    def must_have_ledger(self, *, needed: bool = False) -> None:
        """LedgerError where messages of this event went out, and the record of them is missing, older or another; with
        `needed` wherever there is none."""
        ledgers.marker.check(self._marker_path, self.ledger_path)
        if needed and not (self.ledger_path.exists() and self.ledger_path.stat().st_size):
            raise LedgerError(
                f"There is no ledger {self.ledger_path}: nothing was ever sent from here.",
                hint="Go to the event folder, or name the ledger with --ledger.",
                code="ledger-missing",
            )

    @property
    def _marker_path(self) -> Path:
        return self.event_path.with_name(f"{self.event_path.stem}.ledger.sent")

    def must_be_free(self) -> None:
        """BusyError while another run holds the ledger."""
        ledgers.must_be_free(self.ledger_path)

    # --- doing it ------------------------------------------------------------------------------------------------

    @cached_property
    def settings(self) -> settings.Settings:
        """What the environment says. AccountError where it makes no sense: that stops who sends, not who looks."""
        return settings.load([self.event_path.parent, Path.cwd()], self._environment)

    @cached_property
    def account_name(self) -> str:
        """The account that a send would use, "" where there is none and every send is a rehearsal."""
        named = self.choices.account or (self.event.sending.account if self.event else None)
        if named or self.settings.smtp:
            return named or "env"
        if self.settings.default_account:
            return self.settings.default_account
        stored = self._store.list()
        if len(stored) > 1:
            raise AccountError(
                "There are several accounts, and nothing says which one to use.",
                hint="Name one with --account, in [sending] of the event file, or in INVITE_TUI_ACCOUNT: "
                + ", ".join(account.name for account in stored),
            )
        return stored[0].name if stored else ""

    @cached_property
    def account(self) -> "Account | None":
        """The account that a send would use, None where every send is a rehearsal. AccountError where it is unknown."""
        return self._login[0] if self.account_name else None

    @cached_property
    def _login(self) -> "tuple[Account, Secret | None]":
        if self.account_name == "env":
            if not self.settings.smtp:
                raise AccountError(
                    "There is no account “env”: INVITE_TUI_SMTP_HOST is not set.",
                    hint="Set it in the environment or in .env, or name a stored account.",
                )
            if self.settings.conflict:
                raise self.settings.conflict
            return account_from_settings(self.settings.smtp)
        account = self._store.get(self.account_name)
        return account, None

    @cached_property
    def _credential(self) -> "Credential | None":
        """What logs a stored account in, the same for every connection: they share its tokens."""
        return self._store.credential(self._login[0])

    @property
    def imap_login(self) -> "ImapLogin":
        """Where and how the account's answers are read. AccountError where nothing is known of that."""
        if self.account is None or self.account_name == "env":
            raise AccountError(
                "There is no account whose mailbox could be read.",
                hint="Add one with `invite-tui account add NAME --imap-host HOST`, or read files: --mailbox PATH.",
            )
        return self._store.imap_login(self.account)

    @cached_property
    def _store(self) -> AccountStore:
        return AccountStore(self.settings.config_dir)

    def adopt(self, entries: Sequence[Planned], reply: str, promised: Iterable[str], dead_links: Iterable[str]) -> None:
        """Puts down what another program sent, what is owed for it, and the links that are dead: see `Ledger.adopt`."""
        with ledgers.open_for_run(self.ledger_path) as ledger:
            if self.event:
                ledger.belongs_to(_fingerprint(self.event))
            ledger.adopt(entries, reply, promised, dead_links)

    def rehearse(
        self,
        intended: Plan,
        *,
        note: str = "",
        outbox: Path | None = None,
        control: "Control | None" = None,
        tell: Tell | None = None,
    ) -> "Iterator[Settled]":
        """Writes the plan's messages to the outbox, as they would be sent."""
        from tui import mailing

        return mailing.rehearse(
            self.prepare(intended, note=note, control=control, tell=tell), outbox or self.outbox, control
        )

    def send(
        self,
        intended: Plan,
        *,
        control: "Control",
        command: str = "send",
        note: str = "",
        patience: float = 0.0,
        canary: int = 0,
        tell: Tell | None = None,
    ) -> "Iterator[Settled | Waiting | Question]":
        """Sends the plan through the account; blocking, to the end. `patience` and `canary`: see `mailing.Pacing`."""
        from tui import mailing

        if self._unsaved:
            raise self._unsaved
        if self.account is None:
            raise AccountError("There is no account to send with.", hint="Add one with `invite-tui account add NAME`.")
        prepared = self._prepared_lately(intended, note)
        prepared = prepared or self.prepare(intended, note=note, control=control, tell=tell)
        self._prepared = None
        prepared = replace(prepared, keeps=self._event.sending.keep)
        pacing = replace(self.pacing(patience), canary=canary)
        with ledgers.open_for_run(self.ledger_path) as ledger:
            ledger.belongs_to(_fingerprint(self._event))
            with ledgers.marker.kept(self._marker_path, ledger, self.ledger_path):
                yield from mailing.send(
                    prepared,
                    ledger,
                    self._connection,
                    command=command,
                    account=self.account.name,
                    pacing=pacing,
                    control=control,
                    quota=self._quota(ledger),
                )

    def _quota(self, ledger: "ledgers.Ledger") -> Quota | None:
        """What the account may send in any 24 hours, with what this ledger knows of; None where there is no limit."""
        per_day, whose = self._per_day
        if not per_day:
            return None
        now = datetime.now(UTC)
        left = ledger.departures(self.account_name, now - timedelta(seconds=DAY), per_day)
        # By a clock that was set back since, some may be still to come.
        return Quota(per_day, (max(0.0, (now - at).total_seconds()) for at in left), whose=whose)

    @property
    def _per_day(self) -> tuple[int | None, str]:
        """The messages that the account may send in 24 hours, None where there is no limit, and who says so."""
        said = self.settings.per_day if self.settings.per_day is not None else self._event.sending.per_day
        return (self.provider.per_day, self.provider.name) if said is None else (said or None, "what was set")

    @property
    def provider(self) -> Provider:
        """Whose mail server the account is at. AccountError where the account is unknown."""
        return provider_of(self.account.host, self.account.username) if self.account else LOOPBACK

    def forecast(self, count: int) -> "Forecast":
        """How long a send of so many messages would take from now, when it ends, and what of it is over a quota."""
        from tui.delivery.timing import forecast

        now = datetime.now(UTC)
        per_day, whose = self._per_day
        with ledgers.open_to_read(self.ledger_path) as ledger:
            sent = ledger.sent_since(self.account_name, now - timedelta(days=1)) if per_day else 0
        return forecast(
            count,
            per_minute=self.pacing().per_minute,
            begins_at=now.astimezone(self.timezone),
            provider=whose,
            per_day=per_day,
            sent_lately=sent,
        )

    @property
    def timezone(self) -> ZoneInfo:
        """In which times are told to the organiser: the event's."""
        return ZoneInfo(self._event.each[0].timezone)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the organiser should know before a send, a sentence each: the clock, the disk, the connections."""
        return tuple(self._cautions())

    def _cautions(self) -> Iterator[str]:
        now = datetime.now(UTC)
        with ledgers.open_to_read(self.ledger_path) as ledger:
            newest = ledger.newest()
        if newest and newest > now + _CLOCKS_DIFFER:
            yield (
                f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC, and the ledger already has an entry of"
                f" {newest:%Y-%m-%d %H:%M}: one of them is wrong. Set the clock right before you send."
            )
        if ledgers.is_on_network(self.ledger_path):
            yield ledgers.ON_NETWORK.format(self.ledger_path.name)
        allowed, asked = self.provider.connections, self.pacing().connections
        if allowed and asked > allowed:
            yield f"{asked} connections are set, and {self.provider.name} allows {allowed}: the others will be refused."

    def pacing(self, patience: float = 0.0) -> "Pacing":
        from tui import mailing

        said, sending = self.settings, self._event.sending
        per_minute = said.per_minute if said.per_minute is not None else sending.per_minute
        return mailing.Pacing(
            connections=said.connections or sending.connections or 1,
            per_minute=self.provider.per_minute if per_minute is None else per_minute,
            retries=said.retries,
            backoff=said.backoff,
            patience=patience,
        )

    def _connection(self) -> "Connection":
        from tui.delivery import Connection

        account, secret = self._login
        credential = secret or self._credential
        sender = account.sender or (self._event.message.sender or self._event.organizer).email
        return Connection(account, credential, sender=sender, timeout=self.settings.timeout)

    # --- parts ---------------------------------------------------------------------------------------------------

    @property
    def _event(self) -> Event:
        if self.event is None:
            raise InputError(_summary(self.errors), code="problems", problems=self.problems)
        return self.event

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
            ledger.belongs_to(_fingerprint(self._event))
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

    def _sealed(self) -> list[str]:
        """What the plan's digest covers beside the event and the attendees (contract §3).

        LedgerError where messages went out and the ledger does not know of them: no plan would be true.
        """
        self.must_have_ledger()
        with ledgers.open_to_read(self.ledger_path) as ledger:
            position = ledger.position()
        folder = self.event_path.parent.resolve()
        inside = (path for path in self._attachments() if path.resolve().is_relative_to(folder))
        files = [hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in inside]
        sources = [source for wording in self._wordings.values() for source in wording.sources]
        try:
            account = self.account_name
        except AccountError:
            account = ""  # nothing can be sent before it is said; a rehearsal needs none
        return [account, position, *sources, *files]

    def _attachments(self) -> Iterator[Path]:
        yield from self._event.message.attachments
        for part in self.attendees.records.parts:
            at = part.columns.by_header.get("attachment")
            if at is not None:
                names = sorted(name for cell in part.values(at) if (name := cell.strip()))
                yield from (self.event_path.parent / name for name in names)

    def _can_skip(self) -> bool:
        """Whether every error is a row's: no row can be left out to be rid of a file's, the wording's, or a leak."""
        return all(map(self._can_be_skipped, self.errors))

    def _can_be_skipped(self, error: Problem) -> bool:
        return error.code != "leak" and self._is_of_a_row(error)

    @cached_property
    def _faulty_rows(self) -> frozenset[int]:
        """The rows with an error, of whatever kind: those that the wording finds, too."""
        at = self.attendees.records.row_at
        places = {(one.file, one.line) for one in self.errors}
        rows = (at(file, line) for file, line in places if file is not None and line is not None)
        return frozenset(row for row in rows if row is not None)

    def _is_of_a_row(self, problem: Problem) -> bool:
        place = (problem.file, problem.line)
        return None not in place and self.attendees.records.row_at(*place) is not None  # type: ignore[arg-type]

    def _has_error(self, record: Attendee) -> bool:
        return record.has_error or any(problem.severity == "error" for problem in self.problems_of(record))


def open_folder(  # noqa: PLR0913  # as many as the command line has
    files: Sequence[str],
    *,
    event: str | None = None,
    template: str | None = None,
    account: str | None = None,
    ledger: str | None = None,
    outbox: str | None = None,
    encoding: str | None = None,
    cancels: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Folder:
    """The event folder of these attendee files (none: the event and the ledger alone).

    InputError where a file is missing or unreadable; what is wrong inside the files is in `problems`.
    """
    return Folder(Choices(tuple(files), event, template, account, ledger, outbox, encoding, cancels), environment)


def ledger_path(*, event: str | None = None, ledger: str | None = None) -> Path:
    """Where the ledger of an event folder is, also where the folder has no event file."""
    choices = Choices(event=event, ledger=ledger)
    return _ledger_path(choices, _event_path(choices))


def _judged_by_the_wording(found: Iterable[Problem], wording: Sequence[Problem]) -> Iterator[Problem]:
    """A column that a file has twice is only a warning there, until the wording uses it: then that is the error."""
    used = {problem.column for problem in wording if problem.code == "duplicate-column"}
    names = {squash(column) for column in used if column}
    said = set()
    for problem in found:
        if problem.code == "duplicate-column" and problem.column and squash(problem.column) in names:
            said.add(squash(problem.column))
            message = f"Two columns are called “{problem.column}”, and the wording uses them."
            yield replace(problem, severity="error", message=message)
        else:
            yield problem
    for problem in wording:
        if not (problem.code == "duplicate-column" and problem.column and squash(problem.column) in said):
            yield problem


def _must_be_there(file: str) -> None:
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


def _event_path(choices: Choices) -> Path:
    if choices.event:
        path = Path(choices.event)
        return path / "event.toml" if path.is_dir() else path
    beside = Path(choices.files[0]).parent / "event.toml" if choices.files else Path("event.toml")
    return beside if beside.exists() or not Path("event.toml").exists() else Path("event.toml")


def _ledger_path(choices: Choices, event_path: Path) -> Path:
    if choices.ledger is None:
        return event_path.with_name(f"{event_path.stem}.ledger.db")
    if re.match(r"[a-z][a-z0-9+]+://", choices.ledger):
        raise UsageError("--ledger takes the path of a file.", hint="A ledger on a server is not supported yet.")
    path = Path(choices.ledger)
    if path.is_dir():
        inside = path / f"{event_path.stem}.ledger.db"
        raise LedgerError(f"The ledger {choices.ledger} cannot be used: it is a folder.", hint=f"Name a file: {inside}")
    return path


def _has_replacement(person: Person, since: datetime) -> bool:
    invitations = (sent for sent in person.messages if sent.action != "cancel" and not sent.is_foreign)
    return any(
        sent.outcome == "accepted" and not sent.was_refused and sent.stamp >= since.replace(microsecond=0)
        for sent in invitations
    )


def _fingerprint(event: Event) -> str:
    """Tells one event's ledger from another's without holding the event's secret."""
    return hashlib.sha256(f"invite-tui ledger\0{event.uid}".encode()).hexdigest()[:32]


def _summary(errors: Sequence[Problem]) -> str:
    first = errors[0]
    at = ", ".join(part for part in (first.file, f"line {first.line}" if first.line else "", first.column) if part)
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{at}: {first.message}{more}" if at else f"{first.message}{more}"


def _read_back(address: str, action: str, raw: bytes) -> MessageView:
    """The message as a mail program reads it."""
    from email import message_from_bytes, policy

    message = message_from_bytes(raw, policy=policy.default)
    readings = {part.get_content_type(): part for part in message.walk() if not part.is_attachment()}

    def text(kind: str) -> str:
        content = readings[kind].get_content()
        return str(content) if isinstance(content, str) else content.decode("utf-8")

    headers = tuple((name, str(value)) for name, value in message.items())
    return MessageView(
        address,
        action,
        str(message["Subject"]),
        headers,
        text("text/plain").replace("\r\n", "\n"),
        text("text/html").replace("\r\n", "\n"),
        text("text/calendar"),
        raw,
    )

"""What lies in an event folder: the event file and the attendees, read once."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from tui import event as event_file
from tui import settings
from tui.attendees import AttendeeList, ColumnSettings, Seen, load
from tui.errors import AccountError, InputError, Problem
from tui.event import Event
from tui.folder.places import Choices, event_path_of, ledger_path_of, must_be_there
from tui.ledger import Desk


class Opened:
    """`seen` is told of the first attendees while the rest is still being read: see `attendees.load`."""

    def __init__(self, choices: Choices, environment: Mapping[str, str] | None, seen: Seen | None = None) -> None:
        self.choices = choices
        for file in choices.files:
            must_be_there(file)
        self.event_path = event_path_of(choices)
        self._environment = environment
        event, problems = event_file.load(self.event_path, str(self.event_path))
        self.unsaved: InputError | None = None
        """Why the event's new uid could not be saved, so that the next who opens it sees other messages."""
        self.event: Event | None = self._with_uid(event) if event else None
        columns = event.columns if event else event_file.columns_of(self.event_path)
        self._knows_columns = columns is not None
        self.attendees: AttendeeList = load(
            choices.files,
            ColumnSettings(**(columns or {})),  # type: ignore[arg-type]  # the event's reader checks each key and its type
            encoding=choices.encoding,
            seen=seen,
        )
        self.ledger_path = ledger_path_of(choices, self.event_path, self.event, environment)
        self.outbox = Path(choices.outbox) if choices.outbox else self.event_path.parent / "outbox"
        self._event_problems = problems

    def _with_uid(self, event: Event) -> Event:
        """The event with its uid. Where a new one cannot be saved, who only looks goes on with one for the moment."""
        try:
            return event_file.ensure_uid(event)
        except InputError as error:
            self.unsaved = error
            return replace(event, uid=secrets.token_hex(16))

    @property
    def _event(self) -> Event:
        if self.event is None:
            raise in_the_way(self._problems_without_event)
        return self.event

    @property
    def _problems_without_event(self) -> tuple[Problem, ...]:
        """What can be said of the files while the event file is no event."""
        found = (*self._event_problems, *self.attendees.problems)
        if self._knows_columns:
            return found
        # Without its [columns] a file's header may be misjudged.
        return tuple(problem for problem in found if problem.code not in ("no-address-column", "no-attendees"))

    @property
    def desk(self) -> Desk:
        """Who works here, as others are told who find the ledger held."""
        with suppress(AccountError):  # a file that cannot be read stops who sends, and is said there
            folders = [self.event_path.parent, Path.cwd()]
            return Desk.here(settings.own_word("INVITE_TUI_NAME", folders, self._environment))
        return Desk.here()

    @property
    def timezone(self) -> ZoneInfo:
        """In which times are told to the organiser: the event's."""
        return ZoneInfo(self._event.each[0].timezone)


def in_the_way(problems: Sequence[Problem], *, hint: str | None = None) -> InputError:
    """That errors are in the way: the first of them in words, and all the problems with it."""
    errors = [problem for problem in problems if problem.severity == "error"]
    return InputError(_summary(errors), hint=hint, code="problems", problems=tuple(problems))


def _summary(errors: Sequence[Problem]) -> str:
    first = errors[0]
    at = ", ".join(part for part in (first.file, f"line {first.line}" if first.line else "", first.column) if part)
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{at}: {first.message}{more}" if at else f"{first.message}{more}"

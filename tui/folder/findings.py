"""What is wrong with an event folder, and whether it is in the way of a send."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from tui import plan
from tui.attendees import Attendee, squash
from tui.errors import InputError, Problem
from tui.folder.materials import WithMaterials
from tui.folder.opening import in_the_way

if TYPE_CHECKING:
    from tui.mailing import Imprint


class Checked(WithMaterials):
    _imprint: "Imprint | None" = None
    """What the messages were made under that were looked at, while nothing that may go out was."""

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that `check` finds, the event's first, then in the order of the files."""
        if self.event is None:
            return self._problems_without_event
        found = [*self._event_problems, *self._about_time(), *self.attendees.problems]
        found += plan.session_problems(self.event, self.attendees.records)
        found += plan.clashes(self.attendees.records, self.people())
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

    def _message_problems(self) -> Iterator[Problem]:
        """What stands in the way of single messages, found as a send would find it."""
        from tui import checking
        from tui.mailing import Imprint

        self._imprint = Imprint()
        yield from checking.message_problems(
            *(self._event, self.attendees, self.people(), self._composer, self._roll_of, self._imprint)
        )

    def refusal(self, *, skip_errors: bool = False) -> InputError | None:
        """Why there can be no plan: an error is in the way; with `skip_errors` one that no row can be left out for."""
        if not self.errors or (skip_errors and self._can_skip()):
            return None
        hint: str | None = "Correct it, or leave the rows with errors out with --skip-errors."
        if not self._can_skip():
            hint = next(error.hint for error in self.errors if not self._can_be_skipped(error))
        elif len(self._faulty_rows) == len(self.attendees.records):
            hint = self.errors[0].hint  # to leave everybody out is no help: it is one thing that is wrong with all
        return in_the_way(self.problems, hint=hint)

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
        file, line = problem.file, problem.line
        return file is not None and line is not None and self.attendees.records.row_at(file, line) is not None

    def _has_error(self, record: Attendee) -> bool:
        return record.has_error or any(problem.severity == "error" for problem in self.problems_of(record))


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

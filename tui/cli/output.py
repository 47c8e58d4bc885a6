"""What the command line prints: results to stdout, progress to stderr, JSON as the contract spells it."""

import csv
import io
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from tui import files
from tui.attendees import Attendee
from tui.clean import spreadsheet_cell, visible
from tui.delivery.timing import Forecast, in_hours
from tui.errors import AccountError, InviteError, Problem
from tui.folder import Folder, MessageView
from tui.ledger import OUTCOMES, Person
from tui.mailing import Settled, Waiting
from tui.plan import Action, Plan, changes_told

_PIECES = 10_000  # of a document, written in one go


def problem_as_json(problem: Problem) -> dict[str, object]:
    """As the contract has it (§4): where in a message it was seen is for the app."""
    found = asdict(problem)
    del found["place"]
    return found


def print_json(document: Mapping[str, Any]) -> None:
    """One document, in ASCII: every control and invisible character is an escape. Written as it is made: `Each`."""
    pieces = json.JSONEncoder(ensure_ascii=True, indent=2, default=str).iterencode(document)
    while some := "".join(islice(pieces, _PIECES)):
        sys.stdout.write(some)
    print()


class Each(list[Any]):
    """A long list in a document, whose entries are there only while they are written."""

    def __init__(self, items: Collection[Any], described: Callable[[Any], Mapping[str, Any]]) -> None:
        super().__init__()
        self._items, self._described = items, described

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return map(self._described, self._items)


def say(text: str = "") -> None:
    """A line of the result, neutralised."""
    print(visible(text, lines=True))


def tell(text: str) -> None:
    """A line of progress, neutralised, on stderr. That nobody can hear it any more ends nothing."""
    with suppress(OSError):
        print(visible(text), file=sys.stderr, flush=True)


def tell_over(text: str, end: str = "") -> None:
    """Progress in place of the terminal's last line."""
    with suppress(OSError):
        print(f"\r\x1b[K{visible(text)[:78]}", end=end, file=sys.stderr, flush=True)


_FEW = 5
"""People who are named one by one before a send."""


def clock_time(seconds: float) -> str:
    """ "0:09", "1:00:00"."""
    whole = int(seconds) + (seconds > int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


class Countdown:
    """A wait, shown as it passes: on one line of a terminal, and now and then elsewhere."""

    def __init__(self) -> None:
        self._reason = ""
        self._next = math.inf

    def show(self, waiting: Waiting) -> None:
        words = f"waiting {in_hours(waiting.seconds)}: {waiting.reason}"
        if sys.stderr.isatty():
            tell_over(f"waiting {clock_time(waiting.seconds)}: {waiting.reason}")
        elif waiting.reason != self._reason or waiting.seconds <= self._next:
            tell(words)
            self._next = waiting.seconds - 60
        self._reason = waiting.reason


class Composing:
    """How far the making of the messages is, where it takes longer than a moment: see `Countdown`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._on_terminal = sys.stderr.isatty()
        self._next = clock() + (1.0 if self._on_terminal else 5.0)
        self._is_shown = False

    def __call__(self, done: int, count: int) -> None:
        if done == count:
            if self._is_shown and self._on_terminal:
                tell_over("")
        elif (now := self._clock()) >= self._next:
            words = f"Composing and checking {done:,} of {count:,}"
            if self._on_terminal:
                tell_over(words)
            else:
                tell(words)
            self._is_shown, self._next = True, now + (0.2 if self._on_terminal else 10.0)


def report_error(error: InviteError, *, as_json: bool) -> None:
    if as_json:
        print_json(error_document(error))
    else:
        for problem in error.problems[1:]:
            tell(_line_of(problem))
    tell(f"invite-tui: {error.message}")
    if error.hint:
        tell(f"  {error.hint}")


def error_document(error: InviteError) -> dict[str, Any]:
    return {
        "error": {"code": error.code, "message": error.message, "hint": error.hint},
        "problems": [problem_as_json(problem) for problem in error.problems],
    }


def check_document(folder: Folder) -> dict[str, Any]:
    attendees = folder.attendees
    return {
        "attendees": attendees.attendees_count,
        "files": list(attendees.files),
        "groups": attendees.groups(),
        "problems": [problem_as_json(problem) for problem in folder.problems],
    }


def print_check(folder: Folder) -> None:
    attendees = folder.attendees
    groups = _by_group(attendees.groups())
    say(f"{', '.join(map(visible, attendees.files))}: {_people(attendees.attendees_count)}{groups}")
    for problem in folder.problems:
        say(_line_of(problem))
        if problem.hint:
            say(f"         {problem.hint}")
    if folder.event and not folder.errors:
        say(_columns_in_words(folder))
    errors = len(folder.errors)
    warnings = len(folder.problems) - errors
    if folder.problems:
        say(f"{errors} error(s), {warnings} warning(s).")
    else:
        say("Nothing is wrong.")


def plan_document(plan: Plan, folder: Folder, note: str = "") -> dict[str, Any]:
    event, digest = folder.event, plan.digest_with(note)
    return {
        "digest": None if folder.unsaved else digest,
        "event": event and {"title": event.title, "start": event.span[0], "uid": event.uid},
        "counts": plan.counts,
        "groups": plan.groups,
        "actions": Each(plan.actions, _action_document),
        "columns": folder.columns(),
        **_forecast_document(forecast_of(folder, len(plan.to_send))),
        **if_any(
            proposed_by=[one.name for one in folder.proposals() if one.digest == digest],
            cautions=cautions_of(folder),
        ),
    }


def if_any(**facts: Any) -> dict[str, Any]:
    """Keys beside those that every document of its kind has: only those that tell something."""
    return {name: fact for name, fact in facts.items() if fact}


def _action_document(action: Action) -> dict[str, Any]:
    return {
        "address": action.attendee.address,
        "name": action.attendee.name,
        "line": action.line,
        "action": action.action,
        "reason": action.reason,
        "sequence": action.sequence,
        **({"session": action.session} if action.session else {}),
    }


def forecast_of(folder: Folder, count: int) -> Forecast | None:
    """How long it will take; None where it would be a rehearsal, or the account is unknown: that is said elsewhere."""
    with suppress(AccountError):
        return folder.forecast(count) if folder.account else None
    return None


def cautions_of(folder: Folder) -> list[str]:
    """What the organiser should know before a send; nothing where it would be a rehearsal."""
    with suppress(AccountError):
        return list(folder.cautions) if folder.account else []
    return []


def _forecast_document(forecast: Forecast | None) -> dict[str, Any]:
    if forecast is None or not (forecast.per_minute or forecast.per_day):
        return {}  # nothing is known of it
    return {
        "forecast": {
            "seconds": round(forecast.seconds),
            "begins_at": forecast.begins_at.isoformat(timespec="seconds"),
            "ends_at": forecast.ends_at.isoformat(timespec="seconds"),
            "passes_midnight": forecast.passes_midnight,
            "per_minute": forecast.per_minute,
            "provider": forecast.provider,
            "per_day": forecast.per_day,
            "sent_lately": forecast.sent_lately,
            "over_quota_by": forecast.over_quota_by,
        }
    }


def print_plan(plan: Plan, folder: Folder, note: str = "") -> None:
    if folder.event:
        say(f"{folder.event.title}\n{folder.event.when}")
    say(_account_in_words(folder))
    for action in plan.actions:
        who = f"{action.attendee.name} <{action.attendee.address}>" if action.attendee.name else action.attendee.address
        session = f" [{action.session}]" if action.session else ""
        say(f"  {action.action:6}  {who}{session}: {action.reason}")
    counts = ", ".join(f"{count} {word}" for word, count in plan.counts.items() if count)
    say(f"{counts or 'nobody'}. To send: {len(plan.to_send)}{_by_group(plan.groups)}")
    if (forecast := forecast_of(folder, len(plan.to_send))) and forecast.in_words:
        say(forecast.in_words)
    say(_columns_in_words(folder))
    for caution in cautions_of(folder):
        say(f"Caution: {caution}")
    if folder.unsaved:
        return  # with another uid it would be another one
    digest = plan.digest_with(note)
    say(f"Digest: {digest}")
    for one in folder.proposals():
        if one.digest == digest:
            say(f"Proposed by {one.name} at {one.at}.")


def _columns_in_words(folder: Folder) -> str:
    """Which columns reach any message, each with the places where it does, and which stay on this machine."""
    columns, where = folder.columns(), folder.columns_where()
    leaving = (f"{header} ({', '.join(where[header]) or 'perhaps'})" for header in columns["leaving"])
    return f"Columns that leave: {', '.join(leaving) or 'none'}. Stay: {', '.join(columns['staying']) or 'none'}."


def _account_in_words(folder: Folder) -> str:
    try:
        name = folder.account_name
    except AccountError as error:
        return error.message
    if not name:
        return "No account: a send would be a rehearsal into the outbox."
    try:
        account = folder.account
    except AccountError as error:
        return f"Account: {name}. {error.message}"
    others = folder.account_names[1:]
    also = f"; workers also send through {', '.join(others)}" if others else ""
    return (f"Account: {name}, {account.host}:{account.port}" if account else f"Account: {name}") + also


def view_document(view: MessageView) -> dict[str, Any]:
    return {
        "address": view.address,
        "action": view.action,
        "subject": view.subject,
        "headers": dict(view.headers),
        "text": view.text,
        "html": view.html,
        "calendar": view.calendar,
    }


def print_view(view: MessageView, part: str | None) -> None:
    """The whole message to read, or one part; `source` piped is the exact bytes."""
    if part == "source" and not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.write(view.source)
        sys.stdout.buffer.flush()
        return
    headers = "\n".join(f"{name}: {visible(value)}" for name, value in view.headers)
    parts = {
        "headers": headers,
        "text": view.text,
        "html": view.html,
        "calendar": view.calendar.replace("\r\n", "\n"),
        "source": view.source.decode("utf-8", "replace").replace("\r\n", "\n"),
    }
    if part:
        say(parts[part].rstrip("\n"))
        return
    to = dict(view.headers).get("To", "")
    say(f"To:       {to}\nSubject:  {view.subject}\n\n{view.text}\n{parts['calendar'].rstrip()}")


def run_document(settled: Sequence[Settled], digest: str, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "digest": digest,
        "counts": count_outcomes(item.outcome for item in settled),
        "messages": [
            {
                "address": item.action.attendee.address,
                "line": item.action.line,
                "action": item.action.action,
                "uid": item.action.uid,
                "sequence": item.action.sequence,
                "message_id": item.letter.revision.message_id,
                "outcome": item.outcome,
                "reply": item.reply,
                "attempts": item.attempts,
            }
            for item in settled
        ],
    }


def status_document(folder: Folder, people: Mapping[str, Person]) -> dict[str, Any]:
    event, gone = folder.event, folder.forgotten()
    everybody = (*people.values(), *gone)
    answered = Counter(person.response for person in everybody)
    return {
        "event": event
        and {
            "title": event.title,
            "start": event.span[0],
            "end": event.span[1],
            "when": event.when,
            "location": event.location,
            "uid": event.uid,
            "reply_by": event.reply_by and event.reply_by.isoformat(),
            "keep_until": event.keep_until and event.keep_until.isoformat(),
        },
        "counts": count_outcomes(person.outcome for person in everybody),
        **if_any(
            responses=answered.keys() - {"none"}
            and {word: answered[word] for word in ("accepted", "declined", "tentative", "none")},
            forgotten=len(gone),
            due_to_forget=folder.due_to_forget,
        ),
        **_promise_of(folder),
        "attendees": [
            {
                "key": person.key,
                "address": person.address,
                "name": person.name,
                "action": person.action,
                "sequence": person.sequence,
                "outcome": person.outcome,
                "sent_at": person.sent_at,
                "response": person.response,
                "bounced": person.has_bounced,
                "history": _history_of(person),
                **_sessions_of(person),
            }
            for person in people.values()
        ],
    }


def _history_of(person: Person) -> list[dict[str, Any]]:
    """Everything that a person was ever sent, with what changed; `kept` messages are had with `status --save`."""
    told = changes_told(person)
    return [
        asdict(entry) | {"changes": [asdict(change) for change in told.get(entry.message, ())]}
        for entry in person.history
    ]


def _promise_of(folder: Folder) -> dict[str, Any]:
    """What is owed to people to whom a replacement was promised."""
    promise = folder.promise
    return {"promise": promise.document} if promise else {}


def _sessions_of(person: Person) -> dict[str, Any]:
    """What became of each session's message, where the event has any; the person's own outcome is the most urgent."""
    parts = {name: part.latest for name, part in person.sessions.items() if name}
    return parts and {
        "sessions": [
            {"session": name, "action": last.action, "sequence": last.sequence, "outcome": last.outcome}
            for name, last in parts.items()
        ]
    }


def print_status(folder: Folder, people: Mapping[str, Person]) -> None:
    if folder.event:
        say(f"{folder.event.title}\n{folder.event.when}")
        if folder.event.reply_by:
            is_over = folder.event.is_too_late_to_reply(datetime.now(UTC))
            say(f"Another address: until {folder.event.reply_by_in_words}{', which has passed' * is_over}.")
    if (promise := folder.promise) and promise.in_words:
        _shout(promise.in_words, promise.is_urgent)
    gone = folder.forgotten()
    _print_keeping(folder)
    if not people and not gone:
        say("Nothing has been sent yet.")
        return
    for person in people.values():
        who = f"{person.name} <{person.address}>" if person.name else person.address
        at = f" at {person.sent_at}" if person.sent_at else ""
        words = f": {person.latest.reply}" if person.outcome not in ("accepted", "unsent") else ""
        say(f"  {person.outcome:8}  {person.action:6}  {in_words(person):13}  {who}{at}{words}")
    counts = count_outcomes(person.outcome for person in (*people.values(), *gone))
    also = f" {len(gone)} of them {'was' if len(gone) == 1 else 'were'} forgotten." if gone else ""
    say(", ".join(f"{count} {word}" for word, count in counts.items() if count) + f".{also}")


def _print_keeping(folder: Folder) -> None:
    """Until when people are kept, and who is due to be forgotten; forgetting that was broken off."""
    if folder.event and folder.event.keep_until:
        count, day = folder.due_to_forget, folder.event.keep_until_in_words
        if count:
            people = "1 person was" if count == 1 else f"{count} people were"
            hint = f"`invite-tui forget --due --confirm {count}` forgets them."
            _shout(f"{people} to be kept until {day}, which has passed: {hint}", True)
        else:
            say(f"Kept until {day}.")
    if folder.is_forgetting:
        _shout("Forgetting was broken off: give the same `forget` command again.", True)


def in_words(person: Person) -> str:
    """What is known of whether somebody comes. Not "no answer": some calendars answer one another without a mail."""
    if person.has_bounced:
        return "bounced"
    return person.response if person.response != "none" else "no reply seen"


def _shout(text: str, is_urgent: bool) -> None:
    """A line that must be seen; red on a terminal where it is urgent."""
    in_colour = is_urgent and sys.stdout.isatty() and "NO_COLOR" not in os.environ
    say(text) if not in_colour else print(f"\x1b[1;31m{visible(text)}\x1b[0m")


def left_out(folder: Folder) -> list[tuple[Attendee, list[Problem]]]:
    """The rows that --skip-errors leaves out, in the order of the files, each with what is wrong with it."""
    rows: dict[int, list[Problem]] = {}
    records = folder.attendees.records
    for problem in folder.errors:
        row = records.row_at(problem.file or "", problem.line or 0)
        if row is not None:
            rows.setdefault(row, []).append(problem)
    return [(records[row], problems) for row, problems in sorted(rows.items())]


def write_problems(path: Path, rows: Iterable[tuple[Attendee, Sequence[Problem]]]) -> None:
    """Writes these rows to `path`, a line for each problem: what is wrong, then the row's own cells. No cell of it is a
    formula to the spreadsheet that opens it. Its owner's alone, and written whole or not at all. Raises OSError."""
    rows = list(rows)
    headers = list(dict.fromkeys(header for record, _ in rows for header in record.columns.headers))
    text = io.StringIO(newline="")
    out = csv.writer(text)
    out.writerow(map(_safe, ["file", "line", "code", "problem", "hint", *headers]))
    for record, problems in rows:
        fields = record.fields
        cells = [fields.get(header, "") for header in headers]
        for problem in problems:
            words = [record.file, record.line, problem.code, problem.message, problem.hint or ""]
            out.writerow([_safe(str(word)) for word in (*words, *cells)])
    files.write(path, [text.getvalue().encode("utf-8-sig")])


def _safe(cell: str) -> str:
    return spreadsheet_cell(visible(cell, lines=True))


def _line_of(problem: Problem) -> str:
    place = [problem.file, f"line {problem.line}" if problem.line else None, problem.column]
    where = ", ".join(part for part in place if part)
    return visible(
        f"{problem.severity:7}  {where}: {problem.message}" if where else f"{problem.severity:7}  {problem.message}"
    )


def question(plan: Plan, folder: Folder) -> Iterable[str]:
    """What the organiser is about to confirm, line by line: the event, the account, the count by group, the time."""
    if folder.event:
        yield f"{folder.event.title}, {folder.event.when_short}"
    if folder.account:
        yield f"LIVE through {folder.account.name}, {folder.account.host}:{folder.account.port}"
    if len(plan.to_send) <= _FEW:
        for action in plan.to_send:
            yield f"  {action.action}: {action.attendee.name} <{action.attendee.address}>, {action.reason}"
    yield _columns_in_words(folder)
    width = max((len(group) for group in plan.groups), default=0)
    for group, count in plan.groups.items():
        yield f"  {group or 'no group':{max(width, 8)}}  {count:>6}"
    forecast = forecast_of(folder, len(plan.to_send))
    if forecast and forecast.in_words:
        yield forecast.in_words
    yield f"This will send {len(plan.to_send)} message(s). Type the number to send them:"


def _by_group(groups: Mapping[str, int]) -> str:
    if not any(groups):
        return ""
    return " (" + ", ".join(f"{group or 'no group'} {count}" for group, count in groups.items()) + ")"


def _people(count: int) -> str:
    return "1 attendee" if count == 1 else f"{count} attendees"


def count_outcomes(outcomes: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
    for outcome in outcomes:
        found[outcome] += 1
    return found

"""What takes time, run in threads: each function calls the core and posts what has happened, in the past tense."""

import gc
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from textual.message import Message

from tui.app.state import TROUBLES, Purpose, State, Survey
from tui.errors import InputError, InviteError

if TYPE_CHECKING:
    from tui.app.filtering import Index
    from tui.app.watching import Watched
    from tui.attendees import Attendee
    from tui.folder import Folder, MessageView
    from tui.ledger.records import Person
    from tui.mailing import Settled, Waiting
    from tui.plan import Action, Plan

Post = Callable[[Message], object]


@dataclass(frozen=True, slots=True)
class Opening:
    """What the app was asked to open."""

    files: tuple[str, ...]
    event: str | None = None
    template: str | None = None
    account: str | None = None
    ledger: str | None = None
    outbox: str | None = None
    encoding: str | None = None
    environment: Mapping[str, str] | None = None


@dataclass(eq=False, repr=False)
class Opened(Message):
    """The folder was read, or could not be (`state.failure`)."""

    state: State


@dataclass(eq=False, repr=False)
class Surveyed(Message):
    """The plan and the ledger were read again."""

    survey: Survey


@dataclass(eq=False, repr=False)
class Composed(Message):
    """One person's message was made, or could not be."""

    attendee: "Attendee"
    view: "MessageView | InviteError"


@dataclass(eq=False, repr=False)
class Planned(Message):
    """A run was planned: who it would reach, the first message's subject, and how many go out in a minute (0: all)."""

    purpose: Purpose
    plan: "Plan"
    subject: str = ""
    per_minute: float = 0.0


@dataclass(eq=False, repr=False)
class PlanRefused(Message):
    """The core would not plan this run."""

    purpose: Purpose
    error: InviteError


@dataclass(eq=False, repr=False)
class RunEnded(Message):
    """The run is over: finished, stopped or failed."""

    running: "Running"
    failure: InviteError | None


@dataclass(eq=False, repr=False)
class Found(Message):
    """A search was answered."""

    query: str
    rows: tuple[int, ...]


@dataclass
class Running:
    """A run under way, between the thread that works and the screen that looks at it ten times a second.

    The thread appends to `news`; only the screen takes from it. `settled` belongs to the screen. `over` is set once
    everything is recorded.
    """

    purpose: Purpose
    plan: "Plan"
    control: "Watched"
    news: "deque[Settled | Waiting]" = field(default_factory=deque)
    settled: "dict[str, Settled]" = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)


def open_files(post: Post, opening: Opening) -> None:
    """Read everything, then make and inspect every message; posted after each, so that the rows need not wait.

    The collector rests meanwhile: it would walk a million new rows, and the screen would stutter.
    """
    from tui.folder import open_folder

    state = State(files=opening.files)
    with _no_collector():
        try:
            folder = open_folder(
                opening.files,
                event=opening.event,
                template=opening.template,
                account=opening.account,
                ledger=opening.ledger,
                outbox=opening.outbox,
                encoding=opening.encoding,
                environment=opening.environment,
            )
            state = _with_account(replace(state, folder=folder))
            post(Opened(state))
            state = _with_problems(replace(state, checked=True, survey=survey(folder)), folder)
        except (InviteError, OSError) as error:
            state = replace(state, folder=None, failure=in_words(error))
        post(Opened(state))


@contextmanager
def _no_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _with_account(state: State) -> State:
    if state.folder is None:
        return state
    try:
        return replace(state, account=state.folder.account)
    except InviteError as error:
        return replace(state, account_failure=error)


def _with_problems(state: State, folder: "Folder") -> State:
    errors = frozenset((one.file, one.line) for one in folder.problems if one.severity == "error")
    warnings = frozenset((one.file, one.line) for one in folder.problems if one.severity == "warning")
    records = folder.attendees.records
    places = [(one.file, one.line) for one in records]
    faulty = [one.has_error or place in errors for one, place in zip(records, places, strict=True)]
    rows = set(places)
    of_nobody = sum((one.file, one.line) not in rows for one in folder.errors)
    return replace(
        state,
        faults=tuple(i for i, place in enumerate(places) if faulty[i] or place in warnings),
        errors=errors,
        warnings=warnings,
        left_out=sum(faulty),
        to_fix=sum(faulty) + of_nobody,
    )


def survey(folder: "Folder") -> Survey:
    """What a send would do now, people with errors left out; and what the ledger holds. Raises LedgerError."""
    people = folder.people(history=True)
    sent = sum(person.outcome == "accepted" for person in people.values())
    try:
        plan = folder.plan(skip_errors=True)
    except InputError as error:
        return Survey(people=people, sent=sent, blocked=error)
    actions = {action.attendee.key: action for action in reversed(plan.actions)}
    # Of several sessions, what is to be sent stands for the person.
    actions |= {action.attendee.key: action for action in plan.to_send}
    removed = sum(action.kind == "removed" for action in plan.actions)
    troubles, unsettled = _unsettled(folder.attendees.records, people, actions)
    return Survey(
        actions,
        people,
        ready=len(plan.to_send),
        sent=sent,
        holding=sum(action.kind == "held" for action in actions.values()),
        troubles=troubles,
        unsettled=unsettled,
        removed=removed,
    )


def _unsettled(
    records: "Sequence[Attendee]", people: "Mapping[str, Person]", actions: "Mapping[str, Action]"
) -> tuple[Mapping[str, int], tuple[int, ...]]:
    """How many people the organiser has to look after, by outcome, and in which rows they and the withdrawn are.

    Who was refused, or may have got nothing, and is sent something by the next send is looked after.
    """
    outcomes: dict[str, str] = {}
    rows: list[int] = []
    for row, one in enumerate(records if people else ()):
        if (person := people.get(one.key)) is None:
            continue
        action = actions.get(one.key)
        if one.withdrawn is not None and (action is None or action.kind == "withdrawn"):
            if any(part.held is not None and part.latest.action != "cancel" for part in person.sessions.values()):
                rows.append(row)
        elif person.outcome in TROUBLES:
            again = action is not None and action.action != "none"
            if person.outcome == "deferred" or not again:
                outcomes[one.key] = person.outcome
                rows.append(row)
    return Counter(outcomes.values()), tuple(rows)


def look_again(post: Post, folder: "Folder") -> None:
    """After a run: what has become of everybody."""
    with suppress(InviteError):  # a ledger that cannot be read was already said by the run
        post(Surveyed(survey(folder)))


def compose(post: Post, folder: "Folder", attendee: "Attendee") -> None:
    view: MessageView | InviteError
    try:
        view = folder.view(attendee)
    except Exception as error:  # noqa: BLE001 - a fault in one person's message must not end a run that is on
        view = in_words(error)
    post(Composed(attendee, view))


def find(post: Post, index: "Index", query: str, standing: Callable[[int], str]) -> None:
    """`standing` is the word that the list shows for a row."""
    post(Found(query, index.find(query, standing)))


def plan_run(
    post: Post, folder: "Folder", purpose: Purpose, *, address: str | None = None, skip_errors: bool = False
) -> None:
    """Plan a rehearsal (people with errors left out), a send (they block it unless left out), or a resend to one."""
    try:
        if address is not None:
            plan = folder.plan_resend([address])
        else:
            plan = folder.plan(skip_errors=skip_errors or purpose == "rehearsal")
    except (InviteError, OSError) as error:
        post(PlanRefused(purpose, in_words(error)))
        return
    if purpose == "rehearsal" or not plan.to_send:
        post(Planned(purpose, plan))
        return
    subject, per_minute = "", 0.0
    with suppress(InviteError, OSError):  # the run itself says what is wrong
        first = plan.to_send[0]
        subject = folder.view(first.attendee, first.session or None).subject
        per_minute = folder.pacing().per_minute
    post(Planned(purpose, plan, subject, per_minute))


def mail(post: Post, folder: "Folder", running: Running) -> None:
    """Rehearse or send, to the end or to where the organiser stops it."""
    failure = None
    try:
        if running.purpose == "rehearsal":
            running.news.extend(folder.rehearse(running.plan, control=running.control))
        else:
            # A person looks on, who can stop it: the run may wait as long as the server asks.
            command = "resend" if running.purpose == "resend" else "send"
            for step in folder.send(running.plan, control=running.control, command=command, patience=math.inf):
                running.news.append(step)
    except Exception as error:  # noqa: BLE001 - whatever ends a run, the organiser must see where it stands
        failure = in_words(error)
    finally:
        running.over.set()
    post(RunEnded(running, failure))


def in_words(error: Exception) -> InviteError:
    """Whatever went wrong in a thread, as something to show."""
    if isinstance(error, InviteError):
        return error
    if isinstance(error, OSError):
        return InputError(f"{error.filename or 'A file'}: {error.strerror or error}.")
    return InviteError(f"A fault of the program: {error!r}.", hint="Please report it.")

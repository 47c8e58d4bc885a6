"""What takes time, run in threads: each function calls the core and posts what has happened, in the past tense."""

import gc
import math
import threading
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

from textual.message import Message

from tui.app.asking import Purpose, Request, shared_addresses
from tui.app.checklist import Going
from tui.app.state import TROUBLES, Place, State, Survey, answer_counts, chief
from tui.errors import ConfirmationError, InputError, InviteError

if TYPE_CHECKING:
    from tui.app.filtering import View
    from tui.app.watching import Watched
    from tui.attendees import Attendee
    from tui.delivery.timing import Forecast
    from tui.event import Event
    from tui.folder import Folder, MessageView
    from tui.ledger import Decision, Proposal
    from tui.ledger.records import Entry, Person
    from tui.mailing import Question, Settled, Waiting
    from tui.plan import Action, Plan
    from tui.plan.approval import Approval

Post = Callable[[Message], object]
Result = TypeVar("Result")

_READ = 12
"""Messages that are shown before what was asked for by name is sent."""

_SETTLED = 0.03  # seconds that somebody is looked at before their message is made
_LONG = 20_000  # rows
_FIRST = 0.05  # seconds, after which the first rows that were found are shown
_MORE = 0.5  # and after which more of them are


@dataclass(frozen=True, slots=True)
class Opening:
    """What the app was asked to open."""

    files: tuple[str, ...]
    event: str | None = None
    template: str | None = None
    account: str | None = None
    also: tuple[str, ...] = ()
    ledger: str | None = None
    outbox: str | None = None
    encoding: str | None = None
    environment: Mapping[str, str] | None = None


@dataclass(eq=False, repr=False)
class Reading(Message):
    """The files are being read, and these attendees are there so far."""

    so_far: "Sequence[Attendee]"


@dataclass(eq=False, repr=False)
class Opened(Message):
    """The folder was read, or could not be (`state.failure`). `row` is where who was selected before is now, and
    `marked` where those are who were marked."""

    state: State
    row: int | None = None
    marked: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """How many people stand how, how many have answered what, and how many are in each group."""

    standings: Mapping[str, int]
    answers: Mapping[str, int]
    groups: Mapping[str, int]


@dataclass(eq=False, repr=False)
class Surveyed(Message):
    """The plan and the ledger of `folder` were read again."""

    folder: "Folder"
    survey: Survey


@dataclass(eq=False, repr=False)
class Composed(Message):
    """One person's message was made, or could not be; `actions` is all that they are owed, `history` every attempt to
    send them something."""

    attendee: "Attendee"
    view: "MessageView | InviteError"
    actions: "tuple[Action, ...]" = ()
    decisions: "tuple[Decision, ...]" = ()
    history: "tuple[Entry, ...]" = ()


@dataclass(eq=False, repr=False)
class Planned(Message):
    """A run was planned, to be sent from `folder`, whose wording it is planned with.

    `subject` is the first message's; `views` are the first messages of what was asked for by name. `per_minute` is how
    many go out in a minute (0: all), `forecast` how long it takes and `cautions` what to know before, in words; nothing
    is foretold of a rehearsal. `approval` is who stands behind it, None where it was not asked.
    """

    request: Request
    plan: "Plan"
    folder: "Folder"
    subject: str = ""
    views: "tuple[MessageView, ...]" = ()
    per_minute: float = 0.0
    forecast: "Forecast | None" = None
    cautions: tuple[str, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    approval: "Approval | None" = None
    before: Mapping[str, str] = field(default_factory=dict)
    """By key, the outcomes of those to be looked after that this run may replace."""


@dataclass(eq=False, repr=False)
class Proposed(Message):
    """A plan was proposed for somebody else to approve, or could not be."""

    proposal: "Proposal | InviteError"


@dataclass(eq=False, repr=False)
class PlanRefused(Message):
    """The core would not plan this run."""

    request: Request
    error: InviteError


@dataclass(eq=False, repr=False)
class RunEnded(Message):
    """The run is over: finished, stopped or failed."""

    running: "Running"
    failure: InviteError | None


@dataclass(eq=False, repr=False)
class Found(Message):
    """These are the rows that a view shows; with `more` those that were found so far."""

    view: "View"
    rows: Sequence[int]
    more: bool = False


@dataclass(eq=False, repr=False)
class WorkedOut(Message):
    """What was done aside, and said to be `busy`, is done; this comes next. `wanted` is what the keys wait for."""

    then: Callable[[], object]
    busy: str
    wanted: object | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing goes out for so many `seconds`, because the organiser wants it so."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a message, and whose it was: the run's thread has that at hand, the screen would make it anew."""

    key: str
    settled: "Settled"


@dataclass
class Running:
    """A run under way, between the thread that works and the screen that looks at it ten times a second.

    The thread appends to `news`; only the screen takes from it. `request` is what was asked for, and `going` how the
    organiser wants it to go. `settled` belongs to the screen. `over` is set once everything is recorded. `made` is how
    many messages of how many were made and inspected before the first goes out.
    """

    purpose: Purpose
    plan: "Plan"
    control: "Watched"
    request: Request
    going: Going = field(default_factory=Going)
    made: tuple[int, int] = (0, 0)
    news: "deque[Told | Waiting | Question | Held]" = field(default_factory=deque)
    settled: "dict[str, Settled]" = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)


def open_files(
    post: Post, opening: Opening, selected: "Attendee | None" = None, marked: "Sequence[Attendee]" = ()
) -> None:
    """Read everything, then make and inspect every message; posted after each, so that the rows need not wait.

    The first rows are posted as soon as they are there. `selected` and `marked` are to be found again in what is read
    now.
    """
    from tui.folder import Choices, Folder

    state = State(files=opening.files)
    row: int | None = None
    with calm():
        try:
            choices = Choices(
                files=opening.files,
                event=opening.event,
                template=opening.template,
                account=opening.account,
                also=opening.also,
                ledger=opening.ledger,
                outbox=opening.outbox,
                encoding=opening.encoding,
            )
            folder = Folder(choices, opening.environment, _now_and_then(post))
            row = _row_of(selected, folder)
            state = _with_account(replace(state, folder=folder))
            post(Opened(state, row, _rows_of(marked, folder)))
            state = _with_columns(_with_problems(state, folder), folder)
            state = replace(state, checked=True, survey=survey(folder, state.errors))
            # What the first search would have to wait for.
            next(folder.attendees.records.find("\x00"), None)
        except (InviteError, OSError) as error:
            state = replace(state, folder=None, failure=in_words(error))
        post(Opened(state, row))


def _now_and_then(post: Post) -> "Callable[[Sequence[Attendee]], None]":
    """Posts the first attendees at once, and of more only so often: each time the screen has something to do."""
    due = 0.0

    def tell(so_far: "Sequence[Attendee]") -> None:
        nonlocal due
        if monotonic() >= due:
            post(Reading(so_far))
            due = monotonic() + _MORE

    return tell


_YOUNG = 20_000, 100, 100
"""New objects after which the collector looks at them while a run is on, and such looks after which it goes further
back: once in some 60,000 messages."""


@contextmanager
def _looking_at_the_young() -> Iterator[None]:
    """The collector looks at what is new and hardly at anything else: for all that there is it takes a tenth of a
    second, in which no key is answered."""
    before = gc.get_threshold()
    gc.set_threshold(*_YOUNG)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def calm() -> Iterator[None]:
    """The screen goes on as if nothing was: the collector, which would walk a million rows again and again, rests."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _row_of(attendee: "Attendee | None", folder: "Folder") -> int | None:
    """The same person in files that were read again: on the same line, else where their key is now."""
    if attendee is None:
        return None
    records = folder.attendees.records
    row = records.row_at(attendee.file, attendee.line)
    if row is not None and records[row].key == attendee.key:
        return row
    return next((row for row, (key, _) in enumerate(records.identities()) if key == attendee.key), None)


def _rows_of(attendees: "Sequence[Attendee]", folder: "Folder") -> Sequence[int]:
    """The same people in files that were read again, by their keys."""
    if not attendees:
        return ()
    keys = {attendee.key for attendee in attendees}
    return array("I", (row for row, (key, _) in enumerate(folder.attendees.records.identities()) if key in keys))


def _with_account(state: State) -> State:
    if state.folder is None:
        return state
    try:
        return replace(state, account=state.folder.account)
    except InviteError as error:
        return replace(state, account_failure=error)


def _with_problems(state: State, folder: "Folder") -> State:
    from tui.attendees.store import ERROR

    records = folder.attendees.records
    errors: set[Place] = set()
    warnings: set[Place] = set()
    faulty, doubtful = set(records.rows_with(ERROR)), set[int]()
    of_nobody = 0
    for one in folder.problems:
        row = None if one.file is None or one.line is None else records.row_at(one.file, one.line)
        is_error = one.severity == "error"
        (errors if is_error else warnings).add((one.file, one.line))
        if row is not None:
            (faulty if is_error else doubtful).add(row)
        of_nobody += is_error and row is None
    return replace(
        state,
        faults=array("I", sorted(faulty | doubtful)),
        errors=frozenset(errors),
        warnings=frozenset(warnings),
        left_out=len(faulty),
        to_fix=len(faulty) + of_nobody,
    )


def _with_columns(state: State, folder: "Folder") -> State:
    """With which columns leave. Where no message can be made nobody can say."""
    with suppress(InviteError):
        columns = folder.columns()
        where = folder.columns_where()
        leaving = {header: where.get(header, ()) for header in columns["leaving"]}
        return replace(state, leaving=leaving, staying=tuple(columns["staying"]))
    return state


def survey(folder: "Folder", errors: frozenset[Place]) -> Survey:
    """What a send would do now, people with errors left out; and what the ledger holds. Raises LedgerError.

    Only those whom the ledger knows are looked at one by one: everybody else is owed a first invitation, and a million
    of those need not be made to be counted. `errors` are the places of the rows that are left out.
    """
    people = folder.people()
    shared = shared_addresses(people)
    sent = sum(person.outcome == "accepted" for person in people.values())
    answers, requests = _come_back(folder, people)
    promise, due = folder.promise, folder.due_to_forget
    if (blocked := folder.refusal(skip_errors=True)) is not None or folder.event is None:
        return Survey(
            people=people,
            shared=shared,
            sent=sent,
            answers=answers,
            requests=requests,
            promise=promise,
            due=due,
            blocked=blocked,
        )
    records = folder.attendees.records
    known = _known(folder, people)
    some = [records[row] for row in known]
    some = [replace(one, has_error=True) if (one.file, one.line) in errors else one for one in some]
    planned = folder.plan_for(some, people)
    actions: dict[str, tuple[Action, ...]] = {}
    for action in planned.actions:
        actions[action.attendee.key] = (*actions.get(action.attendee.key, ()), action)
    chiefs = {key: one for key, own in actions.items() if (one := chief(own)) is not None}
    troubles, unsettled = _unsettled(records, known, people, chiefs)
    return Survey(
        actions,
        known,
        people,
        shared,
        invites_others=(others := _first_invitations(folder, folder.event, errors, known)) > 0,
        ready=len(planned.to_send) + others,
        sent=sent,
        holding=sum(action.kind == "held" for action in chiefs.values()),
        troubles=troubles,
        unsettled=unsettled,
        removed=sum(action.kind == "removed" for action in planned.actions),
        answers=answers,
        requests=requests,
        promise=promise,
        due=due,
    )


def _come_back(folder: "Folder", people: "Mapping[str, Person]") -> tuple[Mapping[str, int], int]:
    """Of how many people something has come back, by `ANSWERS`, and how many requests in words are open."""
    from tui.replies import overview

    if not people:
        return {}, 0
    with folder.ledger_to_read() as ledger:
        found = ledger.answers()
    return answer_counts(people, found), sum(one.is_open for one in overview(people, found).requests)


def _known(folder: "Folder", people: "Mapping[str, Person]") -> Sequence[int]:
    """The rows of everybody whom the ledger knows, by key or by an address that they were ever sent something at; and
    of those who were forgotten."""
    from tui.address import key_of

    left_out = folder.left_out()
    if not people and not left_out:
        return ()
    names = {*people, *(key_of(person.address) for person in people.values())}
    names.update(key_of(sent.address) for person in people.values() for sent in person.messages)
    names.update(key_of(one.after) for person in people.values() for one in person.corrections if not one.header)
    said = folder.attendees.records.identities()
    found = array("I", (row for row, (key, wire) in enumerate(said) if key in names or key_of(wire) in names))
    if not left_out:
        return found
    again = enumerate(folder.attendees.records.identities())
    forgotten = {row for row, one in again if left_out.generation(*one) is not None}
    return array("I", sorted(forgotten.union(found)))


def _first_invitations(folder: "Folder", event: "Event", errors: frozenset[Place], known: Sequence[int]) -> int:
    """How many messages those are owed whom the ledger does not know."""
    from tui.attendees.store import ERROR, WITHDRAWN
    from tui.plan import sessions_of

    records = folder.attendees.records
    others = {row for file, line in errors if file and line and (row := records.row_at(file, line)) is not None}
    others.update(known)
    sound = records.rows_without(ERROR | WITHDRAWN)
    one = next((row for row in sound if row not in others), None)
    if one is None or not folder.plan_for([records[one]], {}).to_send:
        return 0  # the event was called off: nobody is invited to it
    if event.sessions:
        return sum(len(sessions_of(event, records[row])[0]) for row in sound if row not in others)
    unsound = records.marked(ERROR | WITHDRAWN)
    return len(records) - unsound - sum(not records.marks(row) & (ERROR | WITHDRAWN) for row in others)


def _unsettled(
    records: "Sequence[Attendee]",
    known: Sequence[int],
    people: "Mapping[str, Person]",
    actions: "Mapping[str, Action]",
) -> tuple[Mapping[str, int], Sequence[int]]:
    """How many people the organiser has to look after, by outcome, and in which rows they and the withdrawn are.

    Who was refused, or may have got nothing, and is sent something by the next send is looked after.
    """
    outcomes: dict[str, str] = {}
    rows = array("I")
    for row in known:
        one = records[row]
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
    return Counter(outcomes.values()), rows


_LOOSE = 500  # people of whom all is forgotten at once: a thousandth of a second


def let_go(known: list[object]) -> None:
    """Forgets what was known of people little by little: of a long list it would be freed in one piece, by the screen,
    as soon as it knows better."""
    while known:
        del known[-_LOOSE:]


@calm()
def look_again(post: Post, folder: "Folder", errors: frozenset[Place]) -> None:
    """After a run: what has become of everybody."""
    with suppress(InviteError):  # a ledger that cannot be read was already said by the run
        post(Surveyed(folder, survey(folder, errors)))


def compose(post: Post, state: State, attendee: "Attendee", is_stale: Callable[[], bool] = lambda: False) -> None:
    """The message of the first session; nothing, where it `is_stale` soon: who runs down the list reads none on the
    way, and making them all would slow every key down."""
    view: MessageView | InviteError
    if (folder := state.folder) is None:
        return
    # On a long list who else could be named in it takes the longest.
    sleep(_SETTLED if len(folder.attendees.records) <= _LONG else 4 * _SETTLED)
    if is_stale():
        return
    actions = state.survey.actions.get(attendee.key, ())
    try:
        if not actions and state.checked and state.survey.blocked is None:
            actions = _first_actions(folder, attendee)
        view = folder.view(attendee)
    except Exception as error:  # noqa: BLE001 - a fault in one person's message must not end a run that is on
        view = in_words(error)
    person = state.survey.people.get(attendee.key)
    post(Composed(attendee, view, actions, _decisions_about(folder, person), _history_of(folder, person)))


def _decisions_about(folder: "Folder", person: "Person | None") -> "tuple[Decision, ...]":
    """What the organiser decided about this person, where anything was."""
    if person is None or not person.messages:
        return ()
    is_told = person.corrections or person.cancelled or any(sent.is_foreign for sent in person.messages)
    if is_told:
        with suppress(InviteError), folder.chronicle() as chronicle:
            return tuple(one for one in chronicle.decisions() if one.key == person.key)
    return ()


def _history_of(folder: "Folder", person: "Person | None") -> "tuple[Entry, ...]":
    """Every attempt to send this person something; everybody's, read with the rest, would be a third of it."""
    if person is not None:
        with suppress(InviteError), folder.ledger_to_read() as ledger:
            return ledger.history_of(person.key)
    return ()


def _first_actions(folder: "Folder", attendee: "Attendee") -> "tuple[Action, ...]":
    """What somebody is owed whom the ledger does not know."""
    return tuple(folder.plan_for([attendee], {}).actions)


def find(post: Post, view: "View", state: State, is_stale: Callable[[], bool] = lambda: False) -> None:
    """Finds what `view` shows. The first rows are posted before all are found; nothing is, once it `is_stale`."""
    from tui.app import filtering

    rows = array("I")
    due = monotonic() + _FIRST
    for row in filtering.find(view, state):
        rows.append(row)
        if not len(rows) % 512 and monotonic() > due:
            if is_stale():
                return
            if view.order == "file":
                post(Found(view, rows[:], more=True))
            due = monotonic() + _MORE
    ordered = filtering.in_order(rows, view.order, state)
    if not is_stale():
        post(Found(view, ordered))


def count_people(state: State) -> Counted:
    """By the names of the marks, by their answers, and by group."""
    from tui.app import filtering

    groups = state.folder.attendees.records.groups if state.folder is not None else {}
    return Counted(filtering.standings(state), filtering.answers(state), groups)


def plan_run(post: Post, folder: "Folder", known: Survey, request: Request) -> None:
    """Plan a rehearsal (people with errors left out), a send (they block it unless left out), or what is asked by name.

    Who is asked for by name is few: their messages are made, so that a leak is found before the question.
    """
    try:
        with calm():
            planned = _planned(folder, request)
            planned = replace(planned, before=_before(folder, known, planned.plan))
    except (InviteError, OSError) as error:
        post(PlanRefused(request, in_words(error)))
    else:
        post(planned)


def _planned(folder: "Folder", request: Request) -> Planned:
    folder, plan = _plan(folder, request)
    planned = Planned(request, plan, folder)
    if request.purpose == "remind" or request.names is not None:
        found = Counter(action.reason for action in plan.actions if action.action == "none")
        planned = replace(planned, reasons=dict(found.most_common()))
    if request.purpose == "rehearsal" or not plan.to_send:
        return planned
    if request.purpose in ("resend", "cancel", "remind") or request.names is not None:
        views = tuple(islice(folder.read_through(plan, note=request.note), _READ))
        planned = replace(planned, views=views, subject=views[0].subject)
    with suppress(InviteError, OSError):  # the run itself says what is wrong
        if not planned.views:
            first = plan.to_send[0]
            planned = replace(planned, subject=folder.view(first.attendee, first.session or None).subject)
        if folder.account is not None:
            planned = replace(
                planned,
                per_minute=folder.pacing().per_minute,
                forecast=folder.forecast(len(plan.to_send)),
                cautions=folder.cautions,
                approval=folder.approval(plan, note=request.note),
            )
    return planned


def _before(folder: "Folder", known: Survey, plan: "Plan") -> Mapping[str, str]:
    """What became of those to be looked after whom the plan sends something."""
    records = folder.attendees.records
    outcomes = {(key := records[row].key): known.people[key].outcome for row in known.unsettled}
    troubled = {key: outcome for key, outcome in outcomes.items() if outcome in TROUBLES}
    if not troubled:
        return {}
    return {key: troubled[key] for action in plan.to_send if (key := action.attendee.key) in troubled}


def _plan(folder: "Folder", request: Request) -> "tuple[Folder, Plan]":
    """The plan, and the folder with the accounts and the wording that it has."""
    if request.accounts:
        from tui.workers import must_send_as_one

        folder = folder.through(request.accounts)
        must_send_as_one(folder)
    if request.purpose == "resend":
        folder = folder.worded(request.template) if request.template else folder
        return folder, folder.plan_resend(request.names or (), request.amendment)
    if request.purpose == "cancel":
        return folder, folder.plan_cancel(request.names)
    only = request.names or ()
    if request.purpose == "remind":
        from tui.replies import overview

        with folder.ledger_to_read() as ledger:
            waiting = overview(ledger.people(), ledger.answers()).waiting
        folder = folder.worded("reminder")
        return folder, folder.plan_reminder(only=only, skip_errors=True, left_alone=waiting)
    return folder, folder.plan(only=only, skip_errors=request.skip_errors or request.purpose == "rehearsal")


def propose(post: Post, planned: Planned) -> None:
    """Asks somebody else to approve the plan."""
    request = planned.request
    command = "send" if request.purpose == "remind" else request.purpose
    try:
        post(Proposed(planned.folder.propose(planned.plan, command, note=request.note)))
    except (InviteError, OSError) as error:
        post(Proposed(in_words(error)))


@_looking_at_the_young()
def mail(post: Post, folder: "Folder", running: Running) -> None:
    """Rehearse or send, to the end or to where the organiser stops it; or hand it over to workers."""
    from tui.mailing import Settled

    failure = None

    def tell(done: int, total: int) -> None:
        running.made = (done, total)

    try:
        if running.purpose == "rehearsal":
            made = folder.rehearse(running.plan, note=running.request.note, control=running.control, tell=tell)
            running.news.extend(map(_told, made))
        elif running.going.workers:
            from tui.workers import hand_over

            request, going = running.request, running.going
            hand_over(
                _held(folder, running),
                running.plan,
                control=running.control,
                command=request.purpose,
                note=request.note,
                canary=going.canary,
                tell=tell,
            )
        else:
            folder = _held(folder, running)
            # A person looks on, who can stop it: the run may wait as long as the server asks.
            run = folder.send(
                running.plan,
                control=running.control,
                command=running.request.purpose,
                note=running.request.note,
                patience=math.inf,
                canary=running.going.canary,
                tell=tell,
            )
            for step in run:
                running.news.append(_told(step) if isinstance(step, Settled) else step)
    except Exception as error:  # noqa: BLE001 - whatever ends a run, the organiser must see where it stands
        failure = in_words(error)
    finally:
        running.over.set()
    post(RunEnded(running, failure))


def _told(settled: "Settled") -> Told:
    return Told(settled.action.attendee.key, settled)


def _held(folder: "Folder", running: Running) -> "Folder":
    """Waits for what the organiser wants waited for; the folder, which is read anew after a wait for its hour.

    Undone where it is taken back meanwhile, ConfirmationError where it is no longer what was confirmed.
    """
    from tui.mailing.holding import hold_back, wait_until

    def telling(reason: str) -> Callable[[float], object]:
        return lambda seconds: running.news.append(Held(seconds, reason))

    going = running.going
    if going.moment is not None:
        wait_until(going.moment, running.control, telling("It begins"))
        folder, again = _plan(folder.anew(), running.request)
        if again.digest != running.plan.digest:
            raise ConfirmationError(
                "The plan is no longer the one that was confirmed before the wait; nothing was sent.",
                hint="The event, the attendees, the wording or the ledger has changed meanwhile. Press F5, then s.",
            )
    if going.undo:
        hold_back(going.undo, running.control, telling("The first message leaves"))
    return folder


def work_out(
    post: Post,
    job: Callable[[], Result],
    then: Callable[[Result], object],
    failed: Callable[[InviteError], object],
    busy: str,
    wanted: object | None,
) -> None:
    """Does `job`, and posts what comes next: `then` with what it gives, `failed` with what stopped it."""
    done: Callable[[], object]
    try:
        done = partial(then, job())
    except Exception as error:  # noqa: BLE001 - whatever a server answers must not end the app
        done = partial(failed, in_words(error))
    post(WorkedOut(done, busy, wanted))


def in_words(error: Exception) -> InviteError:
    """Whatever went wrong in a thread, as something to show."""
    if isinstance(error, InviteError):
        return error
    if isinstance(error, OSError):
        return InputError(f"{error.filename or 'A file'}: {error.strerror or error}.")
    return InviteError(f"A fault of the program: {error!r}.", hint="Please report it.")

"""What others do with the same ledger, seen as it happens: another desk, another program, or the workers of a run."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, replace
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from textual.message import Message

from tui.app.asking import Purpose
from tui.app.state import MARKS, Place, Run, State, Survey
from tui.errors import InviteError

if TYPE_CHECKING:
    from tui.app.work import Post
    from tui.folder import Folder
    from tui.ledger import Outcome
    from tui.ledger.chronicle import Run as Recorded
    from tui.ledger.relay import Handover

_BEAT = 0.25
"""Seconds between two questions whether anything was recorded. Nothing is read for them: SQLite knows by the number of
its file, and PostgreSQL has told it by then."""

_LEAST = 0.5  # seconds between two looks at how many messages stand how
_PART = 10  # of the time is rested: reading a long ledger costs what the screen needs as well
_AGAIN = 10.0  # seconds after which a ledger that could not be reached is tried again
_SILENCE = 60.0  # seconds after which nobody can say whether another desk's run is still on

_PURPOSES: "Mapping[str, Purpose]" = {one: one for one in ("send", "resend", "cancel", "remind")}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The newest run in a ledger, and how many of its messages stand how; `handover` where workers carry it out.

    So many of the unknown are `in_flight`.
    """

    recorded: "Recorded"
    counts: "Mapping[Outcome, int]"
    handover: "Handover | None" = None
    in_flight: int = 0

    @property
    def is_handed(self) -> bool:
        """Whether it is in the hands of workers, and not over: it goes on, or waits for somebody's word."""
        return self.handover is not None and self.handover.is_open

    def is_after(self, other: "Elsewhere | None") -> bool:
        """Whether it is another run than that."""
        return other is None or self.recorded.id != other.recorded.id

    @property
    def is_over(self) -> bool:
        return not (self.is_handed if self.handover is not None else self.counts.get("unsent", 0) or self.in_flight)


@dataclass(eq=False, repr=False)
class Followed(Message):
    """Something was recorded in the ledger of `folder`, and not by the screen's own run.

    `run` is what others do now, None where they do nothing, and `newest` what it was made of; `survey` is None where it
    was not read again; `ended` says that a run which was on the screen is over. `runs` is how many the screen had begun
    when this was seen.
    """

    folder: "Folder"
    runs: int
    run: Run | None
    newest: Elsewhere | None = None
    survey: Survey | None = None
    ended: str = ""


class Following:
    """Follows the ledger of one folder at a time, in a thread that nobody waits for when the app closes."""

    def __init__(self, post: "Post", state: Callable[[], State]) -> None:
        self._post, self._state = post, state
        self._over = Event()
        self._has_begun = Event()

    @property
    def has_begun(self) -> bool:
        """Whether it is known what was there: whatever comes from now on is news."""
        return self._has_begun.is_set()

    def begin(self, folder: "Folder") -> None:
        self.end()
        self._over, self._has_begun = Event(), Event()
        follower = _Follower(self._post, self._state, folder, self._over, self._has_begun)
        Thread(target=copy_context().run, args=(follower.follow,), name="following", daemon=True).start()

    def end(self) -> None:
        self._over.set()


class _Follower:
    """In the thread."""

    def __init__(
        self, post: "Post", state: Callable[[], State], folder: "Folder", over: Event, has_begun: Event
    ) -> None:
        self._post, self._state, self._folder, self._over, self._has_begun = post, state, folder, over, has_begun
        self._newest: Elsewhere | None = None  # as it was when it was looked at last
        self._run: Run | None = None  # what is on the screen of it
        self._own = 0  # the newest run of the screen itself: of that no second picture is shown
        self._was_ours = False
        self._runs = state().runs  # how many the screen had begun when it was looked at last
        self._begins = True  # what is there now is not news
        self._is_due = self._is_unread = False  # whether the counts, and everybody, are to be read again
        self._look_at = self._read_at = self._heard = 0.0

    def follow(self) -> None:
        """Until it is over. A ledger that cannot be reached is tried again; what needs it says so."""
        while not self._over.is_set():
            with suppress(InviteError, OSError), self._folder.changes() as changes:
                while not self._over.wait(_BEAT):
                    self._beat(is_new=changes.wait(0))
            self._is_due = self._is_unread = True  # nobody knows what was recorded meanwhile
            self._over.wait(_AGAIN)

    def _beat(self, *, is_new: bool) -> None:
        state, now = self._state(), monotonic()
        if is_new:
            self._is_due = self._is_unread = True
            self._heard = now
        if state.folder is not self._folder or not state.checked:
            return
        if state.running or state.runs != self._runs:
            self._runs = state.runs
            self._is_due = self._is_unread = False  # what it records is on the screen already
            self._begins = self._was_ours = True
            self._run = None
            return
        if self._begins:
            self._begin()
        survey, ended, before = None, "", self._run
        if self._is_unread and now >= self._read_at:
            survey = self._read(state.errors)
        if self._is_due and now >= self._look_at:
            ended = self._look()
        elif before is not None and not before.handed and now > self._heard + _SILENCE:
            self._run = None
        if survey is not None or self._run is not before or ended:
            self._post(Followed(self._folder, state.runs, self._run, self._newest, survey, ended))

    def _begin(self) -> None:
        known, newest = self._newest, latest(self._folder)
        was_ours, self._begins, self._was_ours = self._was_ours, False, False
        if newest is not None and was_ours and newest.is_after(known) and newest.handover is not None:
            self._own, self._is_due = 0, True  # handed over here: what workers have done with it since is news
        else:
            self._newest = newest
            self._own = newest.recorded.id if newest is not None and was_ours else 0
            self._is_due = self._is_due or (newest is not None and newest.is_handed)
        self._has_begun.set()

    def _read(self, errors: frozenset[Place]) -> Survey:
        from tui.app.work import calm, survey

        began = monotonic()
        with calm():
            found = survey(self._folder, errors)
        self._is_unread = False
        self._read_at = monotonic() + max(_LEAST, _PART * (monotonic() - began))
        return found

    def _look(self) -> str:
        """Looks how the newest run stands; returns what to say where one is over that was on the screen."""
        began = monotonic()
        before, now = self._newest, latest(self._folder)
        self._newest, self._is_due = now, False
        self._look_at = monotonic() + max(_LEAST, _PART * (monotonic() - began))
        if now is None or now.is_over:
            shown, self._run = self._run, None
            if now is None or (shown is None and self._is_known(now, before)):
                return ""
            # One that began and ended between two looks is told of as well.
            return _ended(now, shown or _seen(now, self._folder, None, began))
        is_known = (
            self._run is not None
            or now.recorded.id == self._own
            or (before is not None and (before.recorded.id, before.counts) == (now.recorded.id, now.counts))
        )
        if now.is_handed or self._run is not None or not is_known:
            self._run = _seen(now, self._folder, self._run, began)
        return ""

    def _is_known(self, now: Elsewhere, before: Elsewhere | None) -> bool:
        """Whether the run is the screen's own, or was there when it was looked at before."""
        return now.recorded.id == self._own or not now.is_after(before)


def _seen(now: Elsewhere, folder: "Folder", before: Run | None, at: float) -> Run:
    """The run as the screen shows it; its pace is that of the time since it was first seen, but for its rests."""
    handover = now.handover
    paused = handover is not None and not handover.goes
    name = handover.by.who if handover is not None else now.recorded.confirmed_by
    who = name if name and name != folder.desk.who else "you"
    # What is in flight is counted as unknown in the ledger.
    counts: dict[str, int] = {word: number for word, number in now.counts.items() if paused or word != "unknown"}
    run = Run(
        purpose=_PURPOSES.get(now.recorded.command, "send"),
        total=sum(now.counts.values()),
        place="",
        settled={},
        counts=counts,
        asked=True,
        paused=paused,
        by=f"workers, for {who}" if handover is not None else who if who != "you" else "you, in another program",
        handed=handover is not None,
        said=handover.said if handover is not None else "",
        looked_at=at,
    )
    if before is None or before.paused or paused or before.total != run.total:
        return replace(run, done_before=run.done)
    return replace(run, done_before=before.done_before, active=before.active + at - before.looked_at)


def _ended(now: Elsewhere, run: Run) -> str:
    said = [f"{number:,} {MARKS[outcome].word}" for outcome, number in now.counts.items() if number]
    verb = "was stopped" if now.handover is not None and now.handover.state == "stopped" else "is over"
    return f"The run of {run.by} {verb}: {', '.join(said)}."


def latest(folder: "Folder") -> Elsewhere | None:
    """The newest run that has sent anything; None where there is none. Raises LedgerError."""
    with folder.ledger_to_read() as ledger:
        with ledger.chronicle() as chronicle:
            runs = [run for run in chronicle.runs.values() if not run.is_adoption]
        if not runs:
            return None
        handover = ledger.relay.latest()
        newest = runs[-1]
        is_handed = handover is not None and handover.run == newest.id
        counts, in_flight = ledger.relay.tally(newest.id)
        return Elsewhere(newest, counts, handover if is_handed else None, in_flight)

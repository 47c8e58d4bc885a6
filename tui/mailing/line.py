"""One connection within a run."""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from tui.delivery.faults import Fault, Receipt
from tui.delivery.steps import Aside, Steps
from tui.errors import InviteError, LedgerError
from tui.guard import Cleared
from tui.ledger import Outcome
from tui.mailing.crew import Record
from tui.mailing.letters import Letter

if TYPE_CHECKING:
    from tui.delivery.connection import Connection  # smtplib and ssl are for those who send
    from tui.mailing.running import Run


@dataclass(frozen=True, slots=True)
class Task:
    """A letter that is in somebody's hand, or due again."""

    number: int
    letter: Letter
    message: int
    attempts: int = 0
    cleared: Cleared | None = None


class Line:
    """One connection within a run: it takes letters, delivers them one by one, and has each of them recorded.

    While a letter goes out, the next one's envelope goes with it; and what became of the last one is recorded in the
    same commit as that the next one leaves. At any moment at most one letter of a line is in flight.

    It goes step by step, so that all lines of a run share one thread, and one commit.
    """

    def __init__(self, run: "Run", connection: "Connection") -> None:
        self._run, self._connection = run, connection
        self._ahead: Task | None = None
        """Taken, cleared, and its envelope said: the next one."""
        self._owed: tuple[Task, int, Receipt] | None = None
        """Delivered, with the id of its attempt, and not recorded yet."""
        self._attempt: int | None = None
        """Of the letter in flight."""

    def working(self) -> Steps[None]:
        try:
            while (task := (yield from self._take())) is not None:
                self._attempt = None
                try:
                    yield from self._deliver(task)
                finally:
                    self._run.done()
        finally:
            self._put_ahead_back()
            yield from self._pay()

    def _take(self) -> Steps[Task | None]:
        if self._ahead is not None and self._run.may_go:
            task, self._ahead = self._ahead, None
            return task
        self._put_ahead_back()
        yield from self._pay()
        return self._run.take_ahead() or (yield Aside(self._run.take))

    def _put_ahead_back(self) -> None:
        """What was said of the next letter is taken back; nothing of it has been recorded."""
        if self._ahead is not None:
            self._connection.leave()
            self._run.put_back(replace(self._ahead, cleared=None))
            self._ahead = None
            self._run.done()

    def _deliver(self, task: Task) -> Steps[None]:
        cleared = task.cleared or self._run.mailing.clear(task.letter)
        task = Task(task.number, task.letter, task.message, task.attempts + 1)
        reply = "the delivery was broken off"
        try:
            result = yield from self._connection.delivering(cleared, on_body=lambda: self._leaves(task, cleared))
            reply = f"{result.reply} (which could not be recorded)"
            yield from self._record(task, cleared.digest, result)
        except BaseException:
            if self._attempt is None:
                yield from self._pay()
            else:
                # What the ledger does not know will be unknown to the next run, so it is to this one.
                self._run.report(task, "unknown", reply)
                with suppress(LedgerError):
                    yield Record(partial(self._run.ledger.settle, self._attempt, "unknown", reply))
            raise
        if self._owed is None:
            self._run.judge(task, result)

    def _leaves(self, task: Task, cleared: Cleared) -> Steps[Cleared | None]:
        """Records that a letter leaves now, and what became of the last one; returns the next one, if it may go too."""
        ahead = self._look_ahead()
        digest, kept = cleared.digest, cleared.raw if self._run.mailing.keeps else None
        if self._owed is None:
            self._attempt = yield Record(partial(self._run.ledger.sending, task.message, digest, None, kept))
        else:
            owed, attempt, receipt = self._owed
            settled: tuple[int, Outcome, str] = (attempt, "accepted", receipt.reply)
            self._attempt = yield Record(partial(self._run.ledger.sending, task.message, digest, settled, kept))
            self._owed = None
            self._run.judge(owed, receipt)
        return ahead

    def _look_ahead(self) -> Cleared | None:
        task = self._run.take_ahead()
        if task is None:
            return None
        try:
            cleared = task.cleared or self._run.mailing.clear(task.letter)
        except BaseException as error:
            self._run.put_back(task)
            self._run.done()
            if isinstance(error, InviteError):
                return None  # it is said when its turn has come, and is not the affair of the one before it
            raise
        self._ahead = Task(task.number, task.letter, task.message, task.attempts, cleared)
        return cleared

    def _record(self, task: Task, digest: str, result: Receipt | Fault) -> Steps[None]:
        """Has the outcome recorded; where the server has begun to agree to the next letter, together with that."""
        if self._attempt is not None and isinstance(result, Receipt) and self._connection.is_answered():
            self._owed = task, self._attempt, result
            return
        outcome: Outcome = "accepted" if isinstance(result, Receipt) else result.outcome
        if self._attempt is not None:
            yield Record(partial(self._run.ledger.settle, self._attempt, outcome, result.reply))
        else:
            yield from self._pay()
            yield Record(partial(self._run.ledger.tried, task.message, digest, outcome, result.reply))

    def _pay(self) -> Steps[None]:
        """Has recorded what was delivered last, by itself."""
        if self._owed is None:
            return
        (task, attempt, receipt), self._owed = self._owed, None
        try:
            yield Record(partial(self._run.ledger.settle, attempt, "accepted", receipt.reply))
        except BaseException:
            self._run.report(task, "unknown", f"{receipt.reply} (which could not be recorded)")
            raise
        self._run.judge(task, receipt)

"""The queue: procrastinate, in the database of the ledgers. A job is one share of a run; nothing of a message is in it.

No two jobs with the same lock are done at the same time, on whatever machine: an account has as many locks as it may
have connections, and a job has one connection.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tui.clean import visible
from tui.errors import UsageError
from tui.ledger.relay import QUEUE

if TYPE_CHECKING:
    from procrastinate import App, JobContext

    from tui.ledger.relay import Relay

TASK = "invite-tui.deliver"
_FIRST_AGAIN = 5.0
"""Seconds after which a job is tried again that has failed for no reason of its own."""


_MOST = 4
"""Connections of a worker to its queue: what is asked there takes no time, however many jobs it has in hand."""


class Later(Exception):
    """A job is to be done again in so many `seconds`, after those that wait already."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.1f} s")
        self.seconds = seconds


def queue_of(account: str) -> str:
    """The account's queue. Names of channels have at most 63 bytes, so this is a short one for any name."""
    return f"invite-tui-{hashlib.sha256(account.encode()).hexdigest()[:16]}"


def text() -> str:
    """What makes its tables."""
    from_ = _library().schema.SchemaManager
    return str(from_.get_schema())


def defer(relay: "Relay", accounts: Sequence[str], event: str, shares: Sequence[int], connections: int) -> None:
    """Queues these shares of the event's, divided among the accounts, as a part of the transaction that is open."""
    for at, account in enumerate(accounts):
        own = shares[at :: len(accounts)]
        for number in range(min(connections, len(own))):
            _defer(relay, account, number, [Job(event, share, account) for share in own[number::connections]])


def pass_on(relay: "Relay", job: "Job", account: str, connections: int) -> None:
    """Queues a share anew, for another account than the one of this job."""
    _defer(relay, account, job.share % connections, [Job(job.event, job.share, account, (*job.past, job.account))])


def help_out(relay: "Relay", job: "Job", ticket: "Ticket", accounts: Sequence[str]) -> bool:
    """Takes over for this job's account what waits for another of the run, if nothing waits for this one; whether there
    was anything."""
    others = [queue_of(name) for name in accounts if name != job.account]
    if not others:
        return False
    return relay.move_job(job.event, job.account, to=(queue_of(job.account), ticket.lock), of=others)


def _defer(relay: "Relay", account: str, number: int, jobs: "Sequence[Job]") -> None:
    procrastinate = _library()
    app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
    queue = queue_of(account)
    with relay.in_queue() as connection:
        deferrer = app.configure_task(TASK, queue=queue, lock=f"{queue}-{number}", connection=connection)
        deferrer.batch_defer(*map(asdict, jobs))


@dataclass(frozen=True, slots=True)
class Job:
    """A share of an event's run, to be sent with an account; `past` are those that have passed it on, because they may
    send nothing for a while."""

    event: str
    share: int
    account: str
    past: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """By what the queue knows a job that somebody has in hand: its number, and theirs; and which of its account's locks
    it has."""

    job: int
    worker: int
    lock: str


def app_for(conninfo: str, do: Callable[[Ticket, Job], None]) -> "App":
    """What does the jobs: each of them is `do`, in a thread of its own."""
    procrastinate = _library()
    from procrastinate.retry import BaseRetryStrategy, RetryDecision

    class Again(BaseRetryStrategy):
        """Nothing is given up: whether a share is done is for the ledger to say."""

        def get_retry_decision(self, *, exception: BaseException, job: Any) -> RetryDecision:  # noqa: ARG002  # its own
            seconds = exception.seconds if isinstance(exception, Later) else _FIRST_AGAIN
            # Below those that wait: they would else wait for it, because it has their lock and comes before them.
            return RetryDecision(retry_in={"milliseconds": int(seconds * 1000)}, priority=-1)

    async def configure(connection: Any) -> None:
        await connection.execute("SELECT set_config('search_path', %s, false)", (f"{QUEUE}, pg_temp",))
        await connection.commit()

    connector = procrastinate.PsycopgConnector(
        conninfo=conninfo, configure=configure, min_size=1, max_size=_MOST, timeout=10.0
    )
    app = procrastinate.App(connector=connector)

    def task(context: "JobContext", **said: Any) -> None:
        one = context.job
        do(Ticket(one.id or 0, one.worker_id or 0, one.lock or ""), Job(**said))

    app.task(name=TASK, retry=Again(), pass_context=True)(task)

    # What a job is done again for is no fault, and is told in our own words.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    return app  # type: ignore[no-any-return]  # the library is loaded late, and only where it is installed


def in_words(error: BaseException) -> str:
    """What the database's driver says, in a line; nothing of it is a password."""
    while error.__cause__ is not None:
        error = error.__cause__
    if said := getattr(getattr(error, "diag", None), "message_primary", None):
        return visible(str(said))[:200].rstrip(".")
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return visible(lines[-1] if lines else type(error).__name__)[:200].rstrip(".")


def _library() -> Any:
    try:
        import procrastinate
        import procrastinate.schema
    except ImportError:
        raise UsageError(
            "Workers need two more packages.", hint='Install them: pip install "invite-tui[teams]".', code="no-teams"
        ) from None
    return procrastinate

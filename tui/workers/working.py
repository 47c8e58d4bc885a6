"""A worker: a process that takes jobs from the queue until it is stopped."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tui import ledger as ledgers
from tui import signals
from tui.errors import BusyError, LedgerError
from tui.ledger import Desk, Server
from tui.workers import queue
from tui.workers.delivering import Away, Bench

if TYPE_CHECKING:
    from procrastinate import App

LOST_AFTER = 30.0
"""Seconds after which a worker that is not heard of is taken for lost, and its jobs are given to others."""

_AGAIN = (1.0, 2.0, 5.0, 10.0)
"""Seconds between two tries to reach the database; the last one again and again."""

_SILENCE = 3.0
"""Seconds after which it is told that the database does not answer."""

_BUSY = 5.0
"""Seconds after which a job is tried again whose ledger somebody holds alone."""

_LOOK = 0.2

_LOOK_FOR_JOBS = 1.0
"""Seconds between two looks for jobs that were to wait; those that are new tell of themselves."""

_IDLE = 5.0
"""Seconds in which whoever is well has gone on with a transaction, however busy the machine is."""

_TO_SETTLE = 20.0
"""Seconds in which a worker that is to leave lets its other jobs settle what is in flight."""


@dataclass(frozen=True, slots=True)
class Working:
    """How a worker works: for which accounts, with how many connections at most. With `until_empty` it ends when no job
    is left for it."""

    accounts: Sequence[str]
    connections: int = 4
    lost_after: float = LOST_AFTER
    until_empty: bool = False

    @property
    def idle(self) -> float:
        """Seconds after which the server ends a transaction that a worker does not go on with: its jobs are given to
        others, who need what it has locked."""
        return min(_IDLE, max(1.0, self.lost_after / 6))


Tell = Callable[[str], object]


def work(server: Server, desk: Desk, how: Working, tell: Tell, environment: Mapping[str, str] | None = None) -> int:
    """Works until a signal comes; returns how many messages were settled here.

    Where others have taken over what it had in hand, because it was not heard of for too long, it ends the process,
    with the exit code of the ledger.
    """
    bench = Bench(server, desk, environment, idle=how.idle)
    worker = _Worker(server, desk, bench, how, tell)
    try:
        with signals.heeded(_once(worker.stop)):
            asyncio.run(worker.run())
    finally:
        bench.close()
    return bench.sent


class _Worker:
    def __init__(self, server: Server, desk: Desk, bench: Bench, how: Working, tell: Tell) -> None:
        self._server, self._desk, self._bench, self._how, self._tell = server, desk, bench, how, tell
        self._away = self._done = 0
        self._jobs: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over, self._lost = asyncio.Event(), asyncio.Event()
        self._lost_by: BaseException | None = None

    def stop(self) -> None:
        """From any thread: what is in flight is settled, and the rest left to others."""
        self._bench.stop()
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended meanwhile
                self._loop.call_soon_threadsafe(self._over.set)

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        tries = 0
        while not self._bench.is_stopping:
            try:
                done = self._done
                is_there = await self._work_once()
                if self._how.until_empty and self._done > done:
                    continue  # what had to wait for these may go now
                if is_there or self._how.until_empty:
                    return
                words, tries = "Nothing was ever handed over there", 0
            except Exception as error:  # noqa: BLE001  # whatever it is: the database was restarted, or is elsewhere now
                words = f"The database cannot be reached: {queue.in_words(error)}"
            seconds = _AGAIN[min(tries, len(_AGAIN) - 1)]
            tries += 1
            self._tell(f"{words}. Looking again in {seconds:g} s.")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), seconds)

    async def _work_once(self) -> bool:
        """Until it is stopped; False where there is no queue. What the database's driver raises where it is lost."""
        asyncio.get_running_loop().set_exception_handler(lambda _, said: self._hear(said.get("exception")))
        self._lost.clear()
        conninfo = ledgers.conninfo(self._server, self._desk)
        app = queue.app_for(conninfo, self._deliver)
        async with AsyncExitStack() as opened:
            opened.push_async_callback(app.close_async)
            if not await self._open(app):
                return True
            if not await app.check_connection_async():
                return False
            jobs = asyncio.create_task(
                app.run_worker_async(
                    queues=[queue.queue_of(account) for account in self._how.accounts],
                    name=f"{self._desk.who} on {self._desk.place}",
                    concurrency=self._how.connections,
                    wait=not self._how.until_empty,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    fetch_job_polling_interval=_LOOK_FOR_JOBS,
                    update_heartbeat_interval=self._how.lost_after / 4,
                    stalled_worker_timeout=self._how.lost_after,
                )
            )
            over, lost = (asyncio.create_task(one.wait()) for one in (self._over, self._lost))
            reaping = asyncio.create_task(self._reap(app))
            try:
                await asyncio.wait({jobs, over, lost, reaping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ending = {over, lost, reaping, jobs}
                for task in ending:
                    task.cancel()
                left: set[asyncio.Task[Any]] = set(ending)
                while left:  # a job that finds out only now that it is another's never ends
                    if self._away:
                        await self._leave()
                    _, left = await asyncio.wait(left, timeout=_LOOK)
            for task in ending:
                if not task.cancelled() and (error := task.exception()):
                    raise error
            if self._lost.is_set() and self._lost_by is not None:
                raise self._lost_by
        return True

    async def _open(self, app: "App") -> bool:
        """Opens its connections; False where it is to stop before they are: a server that is away takes its time."""

        async def opened() -> None:
            await app.open_async()

        opening, over = asyncio.create_task(opened()), asyncio.create_task(self._over.wait())
        try:
            done, _ = await asyncio.wait({opening, over}, timeout=_SILENCE, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._tell("The database does not answer yet ...")
                await asyncio.wait({opening, over}, return_when=asyncio.FIRST_COMPLETED)
            if opening.done():
                await opening
            return opening.done()
        finally:
            opening.cancel()
            over.cancel()
            await asyncio.wait({opening, over})

    def _hear(self, error: BaseException | None) -> None:
        """What the queue has failed at in a task of its own: it is opened anew."""
        self._lost_by = error
        self._lost.set()

    async def _reap(self, app: "App") -> None:
        """Gives the jobs of workers that are not heard of any more to others.

        What is in hand here is not lost, however late this worker is in saying so.
        """
        while True:
            await asyncio.sleep(self._how.lost_after / 2)
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._how.lost_after):
                if job.id not in self._jobs:
                    await app.job_manager.retry_job(job, retry_at=datetime.now(UTC))

    def _deliver(self, ticket: queue.Ticket, job: queue.Job) -> None:
        """A job. It never fails: it is done, or done again later."""
        self._jobs.add(ticket.job)
        try:
            self._bench.do(ticket, job)
        except Away:
            self._be_away()
        except BusyError as error:
            raise queue.Later(_BUSY) from error
        except queue.Later as later:
            self._done += not later.seconds  # there is more to do, now
            raise
        except LedgerError:
            if self._bench.is_anothers(ticket, job):
                self._be_away()
            raise
        else:
            self._done += 1
        finally:
            self._jobs.discard(ticket.job)

    def _be_away(self) -> None:
        """Whatever became of this job would be told of whoever has it now: so nothing becomes of it. Never returns."""
        self._away += 1
        self.stop()
        threading.Event().wait()

    async def _leave(self) -> None:
        """Ends this process without a word to the queue, once the other jobs here are over."""
        end = time.monotonic() + _TO_SETTLE
        while len(self._jobs) > self._away and time.monotonic() < end:  # noqa: ASYNC110  # threads are waited for
            await asyncio.sleep(0.05)
        self._tell(
            "This worker was not heard of for too long, and what it had in hand was given to others. Nothing is lost, "
            "and nobody is sent anything twice. Start it again."
        )
        os._exit(LedgerError.exit_code)


def _once(stop: Callable[[], None]) -> Callable[[int], None]:
    """Has the first signal stop the worker; the same one once more does what it does to any program."""

    def hear(number: int) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    return hear

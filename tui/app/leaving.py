"""When the system or the terminal takes the app away: what is in flight is settled and recorded first (contract §5)."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

INTERRUPTED = 130
"""The exit code."""

_PATIENCE = 10.0
"""Seconds for which a terminal that is still there is given back as it was; then the process ends all the same."""


def on_terminate(leave: Callable[[], None]) -> None:
    """Has `leave` called in the event loop, as for a key, each time that the process is asked to end. From the main
    thread."""
    import asyncio

    if os.name == "posix":
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, leave)


def on_hang_up(leave: Callable[[], None], settle: Callable[[], None]) -> None:
    """Ends the process when its terminal is gone, after `settle`, in a thread: nobody could see a screen or answer one.

    Without this the toolkit would read from nowhere for ever, and a run would be left to whatever comes next. Where
    only the signal came, the terminal may be there still: the app has some time to `leave` it as it was.
    """
    import asyncio

    if os.name != "posix":
        return  # Windows ends a process whose console was closed
    loop = asyncio.get_running_loop()

    def told() -> None:
        with suppress(RuntimeError):  # the loop is at its end already
            loop.call_soon_threadsafe(leave)
        settle()
        time.sleep(_PATIENCE)
        os._exit(INTERRUPTED)

    def end() -> None:
        settle()
        os._exit(INTERRUPTED)

    def watch() -> None:
        poll = select.poll()
        poll.register(0, 0)  # a hang-up is always told
        if any(happened & select.POLLHUP for _, happened in poll.poll()):
            end()

    threading.Thread(target=watch, name="terminal", daemon=True).start()
    # In a thread of its own: a handler may have interrupted the lock that settling needs.
    signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=told, name="hang-up", daemon=True).start())

"""When the system or the terminal takes the app away: what is in flight is settled and recorded first (contract §5)."""

import os
import select
import signal
import threading
from collections.abc import Callable

INTERRUPTED = 130
"""The exit code."""


def on_terminate(leave: Callable[[], None]) -> None:
    """Has `leave` called in the event loop, as for a key, when the process is asked to end. From the main thread."""
    import asyncio

    if os.name == "posix":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave)


def on_hang_up(settle: Callable[[], None]) -> None:
    """Ends the process when its terminal is gone, after `settle`, in a thread: nobody could see a screen or answer one.

    Without this the toolkit would read from nowhere for ever, and a run would be left to whatever comes next.
    """
    if os.name != "posix":
        return  # Windows ends a process whose console was closed

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
    signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=end, name="hang-up").start())

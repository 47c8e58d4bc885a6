"""Many senders: a run is handed over in the shared ledger, and workers on any number of machines carry it out.

The queue is procrastinate's, in the same database: it says who is to do what, and finds out who has died. What was sent
is the ledger's, as for every run: who may send a message is decided by its attempt's row, never by the queue.
"""

from tui.workers.handing import hand_over, must_send_as_one
from tui.workers.steering import Standing, Word, follow, standing, steer, watch
from tui.workers.working import Working, work

__all__ = [
    "Standing",
    "Word",
    "Working",
    "follow",
    "hand_over",
    "must_send_as_one",
    "standing",
    "steer",
    "watch",
    "work",
]

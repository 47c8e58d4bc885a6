"""Preparing a whole mailing and sending it: the only path to a socket, for every command and every screen.

`prepare` composes and clears every message before anything opens a connection. `send` composes each one again in the
moment before it goes out, has it cleared again, and lets it go only if it is the same to the byte; the ledger knows of
it before the first byte of it leaves.
"""

from tui.mailing.control import Control
from tui.mailing.crew import Crew
from tui.mailing.endings import BrakeError, PausedError
from tui.mailing.letters import Imprint, Letter, Letters, Mailing, Question, Settled, Waiting, revision_of
from tui.mailing.preparing import StoppedError, prepare, problem_of
from tui.mailing.rehearsing import rehearse
from tui.mailing.running import Pacing, carry_on, must_take_all, send

__all__ = [
    "BrakeError",
    "Control",
    "Crew",
    "Imprint",
    "Letter",
    "Letters",
    "Mailing",
    "Pacing",
    "PausedError",
    "Question",
    "Settled",
    "StoppedError",
    "Waiting",
    "carry_on",
    "must_take_all",
    "prepare",
    "problem_of",
    "rehearse",
    "revision_of",
    "send",
]

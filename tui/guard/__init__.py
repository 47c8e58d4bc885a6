"""The guard: reads a message's final bytes as a stranger would, and clears it or names the leak."""

from tui.guard.cleared import Cleared, Leak
from tui.guard.inspection import clear
from tui.guard.roll import Roll
from tui.guard.spelling import TooDeep

__all__ = ["Cleared", "Leak", "Roll", "TooDeep", "clear"]

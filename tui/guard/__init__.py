"""The guard: reads a message's final bytes as a stranger would, and clears it or names the leak."""

from tui.guard.cleared import Cleared, Leak

__all__ = ["Cleared", "Leak"]

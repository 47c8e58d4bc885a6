"""Answers: calendars' replies, bounces, and requests in words; read from a mailbox, recorded, and never applied."""

from tui.replies.collecting import Collector, Tally
from tui.replies.overview import ASKED, Asked, Overview, Standing, asked, overview

__all__ = ["ASKED", "Asked", "Collector", "Overview", "Standing", "Tally", "asked", "overview"]

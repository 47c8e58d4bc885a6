"""Answers: calendars' replies, bounces, and requests in words; read from a mailbox, recorded, and never applied."""

from tui.replies.collecting import Collector, Tally
from tui.replies.overview import Asked, Overview, Standing, asked, overview

__all__ = ["Asked", "Collector", "Overview", "Standing", "Tally", "asked", "overview"]

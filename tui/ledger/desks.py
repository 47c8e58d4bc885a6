"""Who sits where: what others are told of whoever holds a ledger."""

import getpass
import platform
from dataclasses import dataclass
from datetime import datetime

from tui.clean import one_line

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Desk:
    """An organiser at a machine."""

    who: str
    place: str

    @classmethod
    def here(cls, who: str | None = None) -> "Desk":
        """This machine's; `who` is what its organiser wants to be called, by default the name of their login."""
        return cls(_short(who or _login()), _short(platform.node().partition(".")[0] or "a machine"))


def since_in_words(desk: Desk, since: str, now: datetime) -> str:
    """ "Anna on desk-3 since 14:02", by the clock of who reads it; `since` is ISO 8601. ValueError where it is not."""
    moment = datetime.fromisoformat(since).astimezone()
    is_today = moment.date() == now.astimezone().date()
    return f"{desk.who} on {desk.place} since {moment:%H:%M}" + ("" if is_today else f" on {moment:%Y-%m-%d}")


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name in the environment, and none for the user's number
        return "somebody"


def _short(text: str) -> str:
    return one_line(text)[:_LONGEST]

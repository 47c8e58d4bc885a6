"""How long a run will take, when it ends, and when it is to begin. Pure: the clock and the counts are arguments."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tui import dates
from tui.delivery.pacing import DAY
from tui.errors import UsageError

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?\s?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_AT_HINT = 'Say it as --at "2027-04-29 09:00" in the event\'s timezone, or with an offset: "2027-04-29 09:00+01:00".'


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run of so many messages is going to be like, as far as that is known before it.

    `seconds` is from the first message to the last at `per_minute`, pauses for the quota included; 0.0 where there is
    no limit, and nothing is known. `begins_at` and `ends_at` are in the event's timezone. `over_quota_by` is how many
    messages do not fit in what `provider` allows in 24 hours, `sent_lately` how many of it the ledger knows to be used.
    """

    count: int
    per_minute: float
    seconds: float
    begins_at: datetime
    ends_at: datetime
    provider: str = ""
    per_day: int | None = None
    sent_lately: int = 0
    over_quota_by: int = 0

    @property
    def passes_midnight(self) -> bool:
        return self.begins_at.date() != self.ends_at.date()

    @property
    def in_words(self) -> str:
        """One to three sentences; "" where there is nothing to say."""
        return " ".join(filter(None, (self.duration_in_words, self.quota_in_words)))

    @property
    def duration_in_words(self) -> str:
        """How long it takes and when it ends; "" where there is nothing to say."""
        if self.count < 2 or not self.per_minute:
            return ""
        ends = f"{self.ends_at:%H:%M}"
        if self.passes_midnight:
            ends = f"{dates.moment_in_words(self.ends_at)} (after midnight)"
        rate = f"{self.per_minute:g} a minute"
        return f"It takes about {in_hours(self.seconds)} at {rate} and ends at about {ends}, {_zone(self.ends_at)}."

    @property
    def quota_in_words(self) -> str:
        """What of it is over the quota; "" where nothing is."""
        if not self.over_quota_by or self.per_day is None:
            return ""
        are = "is" if self.over_quota_by == 1 else "are"
        used = f", and this ledger knows of {self.sent_lately:,} in the last 24" if self.sent_lately else ""
        return (
            f"{self.over_quota_by:,} of them {are} over the daily quota: {self.provider} allows {self.per_day:,}"
            f" messages in 24 hours{used}. Those go a day later; the run waits for it, or stops and is run again."
        )


def forecast(
    count: int,
    *,
    per_minute: float,
    begins_at: datetime,
    provider: str = "",
    per_day: int | None = None,
    sent_lately: int = 0,
) -> Forecast:
    """The forecast of `count` messages from `begins_at` (aware, in the zone in which it is told).

    Messages over the quota are taken to go 24 hours after those that used it up, which is the latest that they can.
    """
    interval = 60.0 / per_minute if per_minute else 0.0
    room = count if per_day is None else min(count, max(per_day - sent_lately, 0))
    over = count - room
    if not over or per_day is None:
        seconds = max(count - 1, 0) * interval
    else:
        days, place = divmod(over - 1, max(per_day, 1))
        seconds = (days + 1) * DAY + place * interval
    # In UTC: a wall clock that changes meanwhile makes no run longer.
    ends = (begins_at.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(begins_at.tzinfo)
    return Forecast(count, per_minute, seconds, begins_at, ends, provider, per_day, sent_lately, over)


def in_hours(seconds: float) -> str:
    """ "40 s", "3 min", "2 h 5 min", "1 d 4 h"."""
    if seconds < 59.5:
        return f"{max(round(seconds), 1)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours >= 24:
        return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def moment_of(text: str, timezone: str, now: datetime) -> datetime:
    """When `--at` means, in the event's `timezone`; of an hour that comes twice, the first.

    UsageError where it cannot be understood, is not in the future, or never comes because the clocks go forward.
    """
    said = text.strip()
    if not _MOMENT.fullmatch(said):
        raise UsageError(f"--at: “{said[:40]}” is no date and time.", hint=_AT_HINT)
    try:
        moment = datetime.fromisoformat(said.replace(" ", "T", 1).replace(" ", ""))
    except ValueError:
        raise UsageError(f"--at: there is no {said}.", hint=_AT_HINT) from None
    zone = ZoneInfo(timezone)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
        if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
            raise UsageError(
                f"--at: there is no {said} in {_zone(moment)}: the clocks go forward over it.",
                hint="Choose an hour before or after.",
            )
    moment = moment.astimezone(zone)
    if moment <= now:
        raise UsageError(f"--at: {at_in_words(moment)} is over.", hint="Choose a time to come, or leave --at out.")
    return moment


def at_in_words(moment: datetime) -> str:
    """ "Thursday 29 April 2027, 09:00 London time (UTC+01:00)"."""
    offset = moment.strftime("%z")
    return f"{dates.moment_in_words(moment)} {_zone(moment)} (UTC{offset[:3]}:{offset[3:5]})"


def _zone(moment: datetime) -> str:
    name = str(moment.tzinfo)
    city = name.rpartition("/")[2].replace("_", " ")
    return "UTC" if name in dates.UTC_NAMES else f"{city} time"

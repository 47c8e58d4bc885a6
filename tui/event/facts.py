"""What is known of an event once it has been read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tui import dates
from tui.recurrence import Rule


@dataclass(frozen=True, slots=True)
class Organizer:
    """Who invites: the calendar's ORGANIZER, and From unless `[message] from` says otherwise."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class MessageSettings:
    """`[message]`. `sender` is (name, address) of From; paths are absolute.

    `reviewed` are the SHA-256 of files that the guard cannot look into and the organiser has.
    """

    template: str | None = None
    subject: str | None = None
    reply_to: str | None = None
    sender: Organizer | None = None
    attach_ics: bool = True
    attachments: tuple[Path, ...] = ()
    language: str = dates.DEFAULT
    reviewed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SendingSettings:
    """`[sending]`. None: not said here. `also` are further accounts, among which workers divide a run.

    `keep`: the ledger keeps the messages themselves. `two_people`: nothing is sent that one person has not proposed and
    another approved.
    """

    account: str | None = None
    also: tuple[str, ...] = ()
    ledger: str | None = None
    per_minute: float | None = None
    per_day: int | None = None
    connections: int | None = None
    keep: bool = False
    two_people: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One thing of the event that is no longer what an attendee was told."""

    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Event:
    """The meeting. `start` and `end` are aware, in the event's zone; `uid` is a secret of this machine.

    An event of whole days (`all_day`) begins at the midnight before the first and ends at the one after the last.
    `start` and `end` of a series (`rule`) are those of its first meeting. An event in `sessions` is never sent itself:
    each of them is an event of its own, told from the others by `session`.
    """

    path: Path
    title: str
    start: datetime
    end: datetime
    timezone: str
    organizer: Organizer
    location: str = ""
    join_url: str = ""
    description: str = ""
    reply_by: date | None = None
    keep_until: date | None = None
    uid: str = field(default="", repr=False)
    all_day: bool = False
    rule: Rule | None = None
    session: str = ""
    sessions: tuple["Event", ...] = ()
    message: MessageSettings = MessageSettings()
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    sending: SendingSettings = SendingSettings()
    places: Mapping[tuple[str, str], int] = field(default_factory=dict, repr=False, compare=False)

    def line_of(self, table: str, key: str) -> int | None:
        """The line of the event file on which this key stands, or its table; None where neither is in it."""
        return self.places.get((table, key), self.places.get((table, "")))

    @property
    def when(self) -> str:
        """A sentence, in the event's language: "Thursday 6 May 2027, 14:00 to 15:30 London time (UTC+01:00)"."""
        if self.sessions:
            return self._sessions_in_words(dates.days_in_words)
        return dates.when(self._span, self.message.language)

    @property
    def when_short(self) -> str:
        """For a line on a screen: "Thu 6 May 2027, 14:00 to 15:30, London"."""
        if self.sessions:
            return self._sessions_in_words(dates.short_days)
        return dates.when_short(self._span, self.message.language)

    @property
    def each(self) -> tuple["Event", ...]:
        """What messages are about: the sessions, or the event where it has none."""
        return self.sessions or (self,)

    @property
    def _span(self) -> dates.Span:
        return dates.Span(self.start, self.end, self.timezone, self.all_day, self.rule)

    def _sessions_in_words(self, days: Callable[[date, date, str], str]) -> str:
        """ "3 sessions from Thursday 6 May 2027 to Friday 7 May 2027"; attendees never read it."""
        count, language = f"{len(self.sessions)} session{'s' * (len(self.sessions) > 1)}", self.message.language
        first = self.start.date()
        last = max(one.last_day if one.all_day else one.end.date() for one in self.sessions)
        words = days(first, last, language)
        if not dates.is_english(language):
            return f"{words} ({count})"
        return f"{count} {'on' if first == last else 'from'} {words}"

    @property
    def reply_by_in_words(self) -> str:
        """Until when somebody may ask for another address, in the event's language; "" where it is not said."""
        return dates.day_in_words(self.reply_by, self.message.language) if self.reply_by else ""

    def is_too_late_to_reply(self, now: datetime) -> bool:
        """Whether the day of `reply_by` is over, where the event is."""
        return self.reply_by is not None and now.astimezone(self.start.tzinfo).date() > self.reply_by

    @property
    def keep_until_in_words(self) -> str:
        """The last day on which people are kept, in the event's language; "" where it is not said."""
        return dates.day_in_words(self.keep_until, self.message.language) if self.keep_until else ""

    def is_kept_too_long(self, now: datetime) -> bool:
        """Whether the day of `keep_until` is over, where the event is."""
        return self.keep_until is not None and now.astimezone(self.start.tzinfo).date() > self.keep_until

    @property
    def last_day(self) -> date:
        """The last day of an event of whole days, as an organiser writes it."""
        return self.end.date() - timedelta(days=1)

    @property
    def span(self) -> tuple[str, str]:
        """Start and end as the event file has them (ISO 8601): moments, or days."""
        if self.all_day:
            return self.start.date().isoformat(), self.last_day.isoformat()
        return self.start.isoformat(), self.end.isoformat()

    def is_over(self, now: datetime) -> bool:
        """Whether the last meeting has begun, or the last day has passed."""
        last = self.rule.last_start(self.start) if self.rule else self.start
        if last is None:
            return False
        return (last + (self.end - self.start) if self.all_day else last).astimezone(UTC) < now

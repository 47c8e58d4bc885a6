"""Dates and times in words, in the event's language. Pure.

British English, the default, is written here. Every other language has the patterns and names of the CLDR (Babel, which
is loaded when it is first needed). The CLDR knows no words for a series: where it is not English, the meetings are told
by their dates.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Literal, Protocol

from tui.clean import one_line
from tui.recurrence import MONTHS, WEEKDAYS, Rule

if TYPE_CHECKING:
    from babel import Locale

DEFAULT = "en-GB"
UTC_NAMES = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT"})

_PLAIN = frozenset({"en", "en-gb"})
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NO_LANGUAGES = frozenset({"und", "mul", "mis", "zxx"})
_SPEAK_FOR_THEMSELVES = ("ar", "cs", "cy", "da", "de", "es", "fi", "fr", "it", "ja", "nl", "pl", "pt", "ru", "sv", "zh")
_SIGNS_IN_DATES = frozenset({"ja", "ko", "yue", "zh"})
_FEW_MEETINGS = 12
_SOME_MEETINGS = 3
# The CLDR sets times with thin spaces, which many a mail program shows as a box.
_SPACES = {0x2009: " ", 0x202F: "\xa0"}


class UnknownLanguage(ValueError):
    """No language, or one that has no names of days and months here. `near` is what may be meant, None where it is not
    known."""

    def __init__(self, tag: str, near: str | None) -> None:
        super().__init__(tag)
        self.near = near


@dataclass(frozen=True, slots=True)
class Span:
    """When something is: `start` and `end` are aware, in `timezone` (IANA). Whole days end at the midnight after."""

    start: datetime
    end: datetime
    timezone: str
    all_day: bool = False
    rule: Rule | None = None

    @property
    def last_day(self) -> date:
        return self.end.date() - timedelta(days=1)

    @property
    def is_within_a_day(self) -> bool:
        return (self.last_day if self.all_day else self.end.date()) == self.start.date()


class _Words(Protocol):
    def day(self, day: date) -> str: ...
    def moment(self, moment: datetime) -> str: ...
    def days(self, first: date, last: date) -> str: ...
    def short_days(self, first: date, last: date) -> str: ...
    def when(self, span: Span) -> str: ...
    def when_short(self, span: Span) -> str: ...


def check_language(tag: str) -> None:
    """UnknownLanguage where dates cannot be written in the language of this tag (BCP 47)."""
    _words(tag)


def is_english(tag: str) -> bool:
    """Whether our own words go with dates in this language."""
    return tag.partition("-")[0].lower() in ("en", "eng")


def direction(language: str) -> str:
    """Which way a language is written: ltr or rtl."""
    return "ltr" if is_english(language) else _locale(language).text_direction


def short_month(day: date, language: str = DEFAULT) -> str:
    """For a leaf of a calendar: "May"."""
    return _name(day, language, "%b", "LLL")


def short_weekday(day: date, language: str = DEFAULT) -> str:
    """For a leaf of a calendar: "Thu"."""
    return _name(day, language, "%a", "ccc")


def _name(day: date, language: str, english: str, pattern: str) -> str:
    if is_english(language):
        return day.strftime(english)
    from babel.dates import format_date

    return format_date(day, pattern, _locale(language)).rstrip(".")


def day_in_words(day: date, language: str = DEFAULT) -> str:
    """ "Thursday 6 May 2027"."""
    return _words(language).day(day)


def moment_in_words(moment: datetime, language: str = DEFAULT) -> str:
    """ "Thursday 6 May 2027, 14:00"."""
    return _words(language).moment(moment)


def days_in_words(first: date, last: date, language: str = DEFAULT) -> str:
    """Two days, or one where they are the same: "Thursday 6 May 2027 to Friday 7 May 2027"."""
    return _words(language).days(first, last)


def short_days(first: date, last: date, language: str = DEFAULT) -> str:
    """ "Thu 6 May 2027 to Fri 7 May 2027"."""
    return _words(language).short_days(first, last)


def when(span: Span, language: str = DEFAULT) -> str:
    """A sentence's worth: "Thursday 6 May 2027, 14:00 to 15:30 London time (UTC+01:00)"."""
    return _said(span, (span.start.fold, span.end.fold), language, "long")


def when_short(span: Span, language: str = DEFAULT) -> str:
    """For a line on a screen: "Thu 6 May 2027, 14:00 to 15:30, London"."""
    return _said(span, (span.start.fold, span.end.fold), language, "short")


@lru_cache(maxsize=128)
def _said(span: Span, folds: tuple[int, int], language: str, length: Literal["long", "short"]) -> str:  # noqa: ARG001  # see below
    """Asked for each attendee. `folds` tells apart what is otherwise equal: the two hours when the clocks go back."""
    words = _words(language)
    return words.when(span) if length == "long" else words.when_short(span)


@lru_cache(maxsize=16)
def _words(tag: str) -> _Words:
    if tag.lower() in _PLAIN:
        return _British()
    locale = _locale(tag)
    return _British() if str(locale) == "en_GB" else _Localised(locale)


def _locale(tag: str) -> "Locale":
    """The nearest locale with names of its own (RFC 4647 §3.4: subtags are dropped from the end). UnknownLanguage."""
    from babel import Locale, UnknownLocaleError

    if tag.lower() in _NO_LANGUAGES:
        raise UnknownLanguage(tag, None)
    if not _TAG.fullmatch(tag):
        raise UnknownLanguage(tag, _near(tag))
    subtags = tag.split("-")
    try:
        Locale.parse(subtags[0])
    except (UnknownLocaleError, ValueError):
        raise UnknownLanguage(tag, _near(tag)) from None
    regions = [part for part in subtags[1:] if re.fullmatch(r"[A-Za-z]{2}|\d{3}", part)]
    scripts = [part for part in subtags[1:2] if re.fullmatch(r"[A-Za-z]{4}", part)]
    if any(region.upper() not in {*Locale("en").territories, "UK"} for region in regions):
        raise UnknownLanguage(tag, subtags[0].lower())
    for parts in ([subtags[0], *scripts, *regions[:1]], [subtags[0], *scripts]):
        try:
            locale = Locale.parse("-".join(parts), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
        if _has_names(locale):
            return locale
    raise UnknownLanguage(tag, None)


def _has_names(locale: "Locale") -> bool:
    """Some languages have little more in the CLDR than their own name: their fifth month is "M05"."""
    return not re.fullmatch(r"M?0?5", str(locale.months["format"]["wide"][5]))


def _near(tag: str) -> str | None:
    """The tag that is likely meant: the language is called so in English, or it is spelled nearly so."""
    from babel import Locale, UnknownLocaleError
    from babel.localedata import locale_identifiers

    called = {str(name).casefold(): code for code, name in Locale("en").languages.items()}
    called |= {str(Locale(code).languages[code]).casefold(): code for code in _SPEAK_FOR_THEMSELVES}
    tags = {identifier.replace("_", "-").casefold(): identifier for identifier in locale_identifiers()}
    written = tag.replace("_", "-").casefold()
    near = get_close_matches(written, tags, 1, 0.7)
    code = called.get(written) or (tags[near[0]] if near else None)
    try:
        locale = Locale.parse(code) if code else None
    except (UnknownLocaleError, ValueError):
        return None
    return str(locale).replace("_", "-") if locale and _has_names(locale) else None


class _British:
    """As the organisers of the United Kingdom's public service write it."""

    def day(self, day: date) -> str:
        return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"

    def _short_day(self, day: date) -> str:
        return f"{WEEKDAYS[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1][:3]} {day.year}"

    def moment(self, moment: datetime) -> str:
        return f"{self.day(moment)}, {moment:%H:%M}"

    def days(self, first: date, last: date) -> str:
        return self.day(first) if first == last else f"{self.day(first)} to {self.day(last)}"

    def short_days(self, first: date, last: date) -> str:
        return self._short_day(first) if first == last else f"{self._short_day(first)} to {self._short_day(last)}"

    def when(self, span: Span) -> str:
        series = _series_in_english(span, self)
        if span.all_day:
            return f"{series}{self.days(span.start.date(), span.last_day)}{', all day' * span.is_within_a_day}"
        zone = _city(span.timezone)
        words = f" {zone} time{_offset(span)}" if zone != "UTC" else " UTC"
        end = f"{span.end:%H:%M}" if span.is_within_a_day else self.moment(span.end)
        return f"{series}{self.moment(span.start)} to {end}{words}"

    def when_short(self, span: Span) -> str:
        series = f", {span.rule.every}" if span.rule else ""
        if span.all_day:
            return f"{self.short_days(span.start.date(), span.last_day)}, all day{series}"
        first = self._short_day(span.start)
        end = f"{span.end:%H:%M}" if span.is_within_a_day else f"{self._short_day(span.end)}, {span.end:%H:%M}"
        return f"{first}, {span.start:%H:%M} to {end}, {_city(span.timezone)}{series}"


class _Localised:
    """As the CLDR has it: order, names, 12 or 24 hours, the zone."""

    def __init__(self, locale: "Locale") -> None:
        self._locale = locale
        self._is_english = locale.language == "en"
        pattern = str(locale.time_formats["short"].pattern)
        self._skeleton = "Hm" if re.search("[Hk]", pattern) else "hm"
        joined = str(locale.datetime_formats["full"]).replace("'", "")
        # "2027 14:00" reads as one number, but where a sign for the day or its name stands between.
        self._pattern = "{1}, {0}" if joined == "{1} {0}" and locale.language not in _SIGNS_IN_DATES else joined
        self._comma, self._semicolon = ("،", "؛") if "،" in joined else (",", ";")
        periods = locale.day_periods["format"]
        # Korean programs say 오후; the CLDR's short form is "PM".
        short, wide = (periods.get(width, {}) for width in ("abbreviated", "wide"))
        self._periods = {
            str(short[half]): str(wide[half])
            for half in ("am", "pm")
            if half in short and half in wide and str(short[half]).isascii() and not str(wide[half]).isascii()
        }

    def day(self, day: date) -> str:
        from babel.dates import format_date

        return _tidy(format_date(day, "full", self._locale))

    def _short_day(self, day: date) -> str:
        return self._with_skeleton("yMMMEd", day)

    def moment(self, moment: datetime) -> str:
        return self._joined(self.day(moment), self._time(moment))

    def days(self, first: date, last: date) -> str:
        return self.day(first) if first == last else self._range(self.day(first), self.day(last))

    def short_days(self, first: date, last: date) -> str:
        return self._short_day(first) if first == last else self._range(self._short_day(first), self._short_day(last))

    def when(self, span: Span) -> str:
        before = _series_in_english(span, self) if self._is_english else ""
        after = "" if self._is_english else self._other_meetings(span)
        if span.all_day:
            alone = ", all day" if self._is_english and span.is_within_a_day else ""
            return f"{before}{self.days(span.start.date(), span.last_day)}{alone}{after}"
        if span.is_within_a_day:
            words = self._joined(self.day(span.start), self._times(span))
        else:
            words = self._range(self.moment(span.start), self.moment(span.end))
        return f"{before}{words} {self._zone(span)}{after}"

    def when_short(self, span: Span) -> str:
        series = f", {span.rule.every}" if span.rule and self._is_english else self._last_meeting(span)
        if span.all_day:
            alone = ", all day" * self._is_english
            return f"{self.short_days(span.start.date(), span.last_day)}{alone}{series}"
        first, last = self._short_day(span.start), self._short_day(span.end)
        if span.is_within_a_day:
            words = self._joined(first, self._times(span))
        else:
            begin, end = self._joined(first, self._time(span.start)), self._joined(last, self._time(span.end))
            words = self._range(begin, end)
        return f"{words}{self._comma} {self._city(span)}{series}"

    def _time(self, moment: datetime) -> str:
        from babel.dates import format_time

        return self._with_periods(format_time(_clock(moment), "short", locale=self._locale))

    def _times(self, span: Span) -> str:
        """From when to when, within a day."""
        from babel.dates import format_interval

        try:
            between = format_interval(_clock(span.start), _clock(span.end), self._skeleton, locale=self._locale)
            return self._with_periods(between)
        except NotImplementedError:  # parts of the day that have names of their own (Taiwan)
            return self._range(self._time(span.start), self._time(span.end))

    def _with_periods(self, text: str) -> str:
        for short, wide in self._periods.items():
            text = text.replace(short, wide)
        return _tidy(text)

    def _range(self, first: str, last: str) -> str:
        return _tidy(str(self._locale.interval_formats[None]).replace("{0}", first).replace("{1}", last))

    def _joined(self, day: str, clock: str) -> str:
        return _tidy(self._pattern.replace("{1}", day).replace("{0}", clock))

    def _with_skeleton(self, skeleton: str, day: date) -> str:
        from babel.dates import format_date, format_skeleton

        try:
            at_noon = datetime.combine(day, time(12)) if not isinstance(day, datetime) else _clock(day)
            return _tidy(format_skeleton(skeleton, at_noon, locale=self._locale))
        except KeyError:
            return _tidy(format_date(day, "full" if "E" in skeleton else "medium", self._locale))

    def _zone(self, span: Span) -> str:
        """ "Britische Sommerzeit (UTC+01:00)"; of a series, whose offset is not always the same, what it is called all
        year round."""
        from babel.dates import get_timezone_gmt, get_timezone_location, get_timezone_name

        if span.timezone in UTC_NAMES:
            return "UTC"
        variant: Literal["generic"] | None = "generic" if span.rule else None
        name = get_timezone_name(span.start, "long", locale=self._locale, zone_variant=variant)
        if name == get_timezone_gmt(span.start, "long", locale=self._locale):
            try:
                name = (
                    "" if span.timezone.startswith("Etc/") else get_timezone_location(span.start, locale=self._locale)
                )
            except KeyError:  # a zone that is nowhere in particular
                name = ""
        return f"{_tidy(name)}{_offset(span)}".strip()

    def _city(self, span: Span) -> str:
        from babel.dates import get_timezone_location

        try:
            city = get_timezone_location(span.start, locale=self._locale, return_city=True)
        except KeyError:
            city = _city(span.timezone)
        return "UTC" if span.timezone in UTC_NAMES else _tidy(city)

    def _other_meetings(self, span: Span) -> str:
        """Of a series, the days after the first: all where they are few, else some, and the last."""
        if span.rule is None:
            return ""
        from babel.lists import format_list

        is_endless = span.rule.count is None and span.rule.until is None
        meetings = span.rule.starts(span.start)
        found = [moment.date() for moment in (islice(meetings, _FEW_MEETINGS + 1) if is_endless else meetings)][1:]
        said = [self._with_skeleton("yMMMd", day) for day in found[: _FEW_MEETINGS - 1]]
        if not said:
            return ""
        if not is_endless and len(found) < _FEW_MEETINGS:
            return f"{self._semicolon} {_tidy(format_list(said, locale=self._locale))}"
        last = "" if is_endless else f" {self._with_skeleton('yMMMd', found[-1])}"
        between = str(self._locale.list_patterns["standard"]["middle"]).replace("{0}", "").replace("{1}", "")
        return f"{self._semicolon} {_tidy(between.join(said[:_SOME_MEETINGS]))} …{last}"

    def _last_meeting(self, span: Span) -> str:
        """ " … 10. Juni 2027"."""
        if span.rule is None:
            return ""
        last = span.rule.last_start(span.start)
        return f" … {self._with_skeleton('yMMMd', last)}" if last else " …"


def _series_in_english(span: Span, words: _Words) -> str:
    """ "every Thursday, 6 times, from "; "" where it is no series."""
    rule = span.rule
    if rule is None:
        return ""
    if rule.count is not None:
        return f"{rule.every}, {'once' if rule.count == 1 else f'{rule.count} times'}, from "
    last = rule.last_start(span.start)
    return f"{rule.every}{f' until {words.day(last)}' if last else ''}, from "


def _offset(span: Span) -> str:
    """ " (UTC+01:00)"; of a series it is not always the same: the clocks change while it lasts."""
    offset = span.start.strftime("%z")
    return "" if span.rule else f" (UTC{offset[:3]}:{offset[3:5]})"


def _city(timezone: str) -> str:
    return "UTC" if timezone in UTC_NAMES else timezone.rpartition("/")[2].replace("_", " ")


def _clock(moment: datetime) -> datetime:
    """What the clock shows: Babel would take an aware time to UTC."""
    return moment.replace(tzinfo=None)


def _tidy(text: str) -> str:
    """Without invisible marks, which a guard takes for something hidden; the joiners that scripts need stay."""
    return one_line(text.translate(_SPACES).replace("\xa0", "\ue000")).replace("\ue000", "\xa0")

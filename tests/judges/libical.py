"""libical, the calendar library of GNOME and KDE: it reads, and it knows what RFC 5546 demands of each method.

Through ctypes: the library alone is a smaller thing to install than its headers and a compiler.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ctypes import CDLL, Structure, c_char_p, c_int, c_void_p

from tests.judges.python import calendar_of
from tests.judges.reading import Entry, Person, Reading

_LIBRARY = "libical.so.3"
_NUMBERS = ("year", "month", "day", "hour", "minute", "second", "is_date", "is_daylight")


class _Time(Structure):
    """struct icaltimetype of libical 3."""

    _fields_ = [*((name, c_int) for name in _NUMBERS), ("zone", c_void_p)]


_SIGNATURES: Mapping[str, tuple[object, tuple[object, ...]]] = {
    "icalcomponent_as_ical_string": (c_char_p, (c_void_p,)),
    "icalcomponent_count_components": (c_int, (c_void_p, c_int)),
    "icalcomponent_free": (None, (c_void_p,)),
    "icalcomponent_get_description": (c_char_p, (c_void_p,)),
    "icalcomponent_get_dtend": (_Time, (c_void_p,)),
    "icalcomponent_get_dtstamp": (_Time, (c_void_p,)),
    "icalcomponent_get_dtstart": (_Time, (c_void_p,)),
    "icalcomponent_get_first_component": (c_void_p, (c_void_p, c_int)),
    "icalcomponent_get_first_property": (c_void_p, (c_void_p, c_int)),
    "icalcomponent_get_location": (c_char_p, (c_void_p,)),
    "icalcomponent_get_next_property": (c_void_p, (c_void_p, c_int)),
    "icalcomponent_get_sequence": (c_int, (c_void_p,)),
    "icalcomponent_get_summary": (c_char_p, (c_void_p,)),
    "icalcomponent_get_uid": (c_char_p, (c_void_p,)),
    "icalcomponent_string_to_kind": (c_int, (c_char_p,)),
    "icalerror_set_errors_are_fatal": (None, (c_int,)),
    "icalparser_parse_string": (c_void_p, (c_char_p,)),
    "icalproperty_get_parameter_as_string": (c_char_p, (c_void_p, c_char_p)),
    "icalproperty_get_value_as_string": (c_char_p, (c_void_p,)),
    "icalproperty_string_to_kind": (c_int, (c_char_p,)),
    "icalrestriction_check": (c_int, (c_void_p,)),
    "icaltime_convert_to_zone": (_Time, (_Time, c_void_p)),
    "icaltimezone_get_utc_timezone": (c_void_p, ()),
}


def missing() -> str | None:
    """Why libical cannot be had here, in a few words; None where it can."""
    try:
        CDLL(_LIBRARY)
    except OSError:
        return f"not installed: {_LIBRARY}"
    return None


class Libical:
    """libical's reading. `faults` is what it could not parse, and what RFC 5546 does not allow. It expands nothing."""

    def __init__(self) -> None:
        self._library = CDLL(_LIBRARY)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._library.icalerror_set_errors_are_fatal(0)

    def read(self, raw: bytes) -> Mapping[str, Reading]:
        """One message."""
        return {"libical": self.read_calendar(calendar_of(raw))}

    def read_calendar(self, calendar: str) -> Entry:
        """One calendar object."""
        library = self._library
        vevent = library.icalcomponent_string_to_kind(b"VEVENT")
        with self._parsed(calendar) as parsed:
            faults = self._faults(parsed)
            entry = library.icalcomponent_get_first_component(parsed, vevent)
            return Entry(
                entries=library.icalcomponent_count_components(parsed, vevent),
                method=self._value(parsed, "METHOD"),
                uid=_text(library.icalcomponent_get_uid(entry)),
                sequence=library.icalcomponent_get_sequence(entry),
                stamp=self._moment(library.icalcomponent_get_dtstamp(entry)),
                summary=_text(library.icalcomponent_get_summary(entry)),
                location=_text(library.icalcomponent_get_location(entry)),
                description=_text(library.icalcomponent_get_description(entry)),
                status=self._value(entry, "STATUS"),
                start=self._moment(library.icalcomponent_get_dtstart(entry)),
                end=self._moment(library.icalcomponent_get_dtend(entry)),
                organizers=self._people(entry, "ORGANIZER"),
                attendees=self._people(entry, "ATTENDEE"),
                faults=faults,
            )

    @contextmanager
    def _parsed(self, calendar: str) -> Iterator[int]:
        parsed = self._library.icalparser_parse_string(calendar.encode())
        assert parsed, "libical read nothing"
        try:
            yield parsed
        finally:
            self._library.icalcomponent_free(parsed)

    def _faults(self, parsed: int) -> tuple[str, ...]:
        allowed = self._library.icalrestriction_check(parsed)
        written = _text(self._library.icalcomponent_as_ical_string(parsed))
        found = re.findall(r"^X-LIC-ERROR.*", re.sub(r"\r?\n[ \t]", "", written), re.MULTILINE)
        return tuple(line.strip() for line in found) or (() if allowed else ("RFC 5546 does not allow it",))

    def _properties(self, component: int, name: str) -> Iterator[int]:
        kind = self._library.icalproperty_string_to_kind(name.encode())
        found = self._library.icalcomponent_get_first_property(component, kind)
        while found:
            yield found
            found = self._library.icalcomponent_get_next_property(component, kind)

    def _value(self, component: int, name: str) -> str:
        [found] = self._properties(component, name)
        return _text(self._library.icalproperty_get_value_as_string(found))

    def _people(self, entry: int, name: str) -> tuple[Person, ...]:
        return tuple(
            (
                _text(self._library.icalproperty_get_parameter_as_string(found, b"CN")),
                _text(self._library.icalproperty_get_value_as_string(found)).removeprefix("mailto:"),
            )
            for found in self._properties(entry, name)
        )

    def _moment(self, time: _Time) -> str:
        day = f"{time.year:04}-{time.month:02}-{time.day:02}"
        if time.is_date:
            return day
        if not time.zone:
            return f"{day}T{time.hour:02}:{time.minute:02}:{time.second:02}"
        library = self._library
        utc = library.icaltime_convert_to_zone(time, library.icaltimezone_get_utc_timezone())
        return f"{utc.year:04}-{utc.month:02}-{utc.day:02}T{utc.hour:02}:{utc.minute:02}:{utc.second:02}Z"


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode()

"""Every sort of message that we send is read by every judge as we meant it."""

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest

from tests.judges.conftest import Bench
from tests.judges.letters import letters
from tests.judges.libical import Libical
from tests.judges.reading import Mail, Reading, differences, silent

ROOT = Path(__file__).parents[2]

# What a judge does not say. Whatever is not here is compared.
SILENT: Mapping[str, frozenset[str]] = {
    "mailparser": frozenset({"method"}),
    "node-ical": frozenset({"occurrences"}),
    "icalendar": frozenset({"occurrences"}),
    "libical": frozenset({"occurrences"}),
}

# What a judge alone gets wrong: node-ical takes a semicolon within quotes for the end of a parameter, and an escaped
# backslash before an n for a line break.
# To email, a local part beyond ASCII is a defect, whatever RFC 6532 says.
MISREAD: Mapping[tuple[str, str], frozenset[str]] = {
    ("email", "an address beyond ASCII"): frozenset({"faults"}),
    ("node-ical", "a path for a place"): frozenset({"location"}),
    ("node-ical", "long lines that fold within characters"): frozenset({"attendees"}),
    ("node-ical", "punctuation that means something to a calendar"): frozenset({"summary", "attendees"}),
}


def judged(name: str, readings: Mapping[str, Reading]) -> dict[str, list[str]]:
    """Where each judge read something else than was meant by the letter of that name."""
    found = {}
    for judge, reading in readings.items():
        assert silent(reading) == SILENT.get(judge, frozenset()), judge
        found[judge] = differences(
            letters()[name].mail if isinstance(reading, Mail) else letters()[name].entry, reading
        )
    return {judge: wrong for judge, wrong in found.items() if wrong}


@pytest.mark.parametrize("name", letters())
def test_a_message_is_read_as_it_was_meant(name: str, bench: Bench) -> None:
    readings = bench(letters()[name].composition.raw)
    wrong = judged(name, readings)
    expected = {judge: MISREAD[judge, name] for judge in readings if (judge, name) in MISREAD}
    assert {judge: {line.partition(":")[0] for line in lines} for judge, lines in wrong.items()} == expected, wrong


def test_a_judge_notices_what_was_not_meant(bench: Bench) -> None:
    readings = bench(letters()["cancelled"].composition.raw)
    assert judged("a long address", readings).keys() == readings.keys()


@pytest.mark.parametrize(("method", "left_out"), [("REQUEST", "ORGANIZER"), ("REQUEST", "DTSTAMP"), ("CANCEL", "UID")])
def test_libical_refuses_what_itip_does_not_allow(libical_judge: Libical, method: str, left_out: str) -> None:
    calendar = letters()["cancelled" if method == "CANCEL" else "invitation"].composition.calendar
    assert f"METHOD:{method}" in calendar
    assert libical_judge.read_calendar(calendar.replace(f"\r\n{left_out}", "\r\nX-LEFT-OUT")).faults


def test_the_table_of_judges_names_the_versions_that_are_installed() -> None:
    table = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    node = json.loads((ROOT / "tests" / "judges" / "package.json").read_text("utf-8"))["dependencies"]
    for judge, version in {**node, **{name: metadata.version(name) for name in ("vobject", "icalendar")}}.items():
        assert f"| {judge} | {version} |" in table

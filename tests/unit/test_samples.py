"""The shipped samples are what they say: a list without a fault, and a list with one of each."""

import tomllib
from pathlib import Path

from tui.attendees import ColumnSettings, load

SAMPLES = Path(__file__).parents[2] / "samples"

MISTAKES = [
    ("duplicate-column", 1, "Notes"),
    ("blank-column-name", 1, None),
    ("bad-address", 3, "Email"),
    ("bad-address", 4, "Email"),
    ("bad-address", 5, "Email"),
    ("several-addresses", 6, "Email"),
    ("missing-address", 7, "Email"),
    ("likely-typo", 8, "Email"),
    ("likely-typo", 9, "Email"),
    ("likely-typo", 10, "Email"),
    ("non-ascii-address", 11, "Email"),
    ("duplicate-attendee", 12, "Email"),
    ("hidden-characters", 13, "Email"),
    ("hidden-characters", 14, "Name"),
    ("withdrawn", 16, "Status"),
    ("extra-cells", 17, None),
    ("missing-cells", 18, None),
    ("bad-address", 19, "Email"),
    ("bad-address", 20, "Email"),
    ("unclosed-quote", 21, None),
]


def settings() -> ColumnSettings:
    columns = tomllib.loads((SAMPLES / "event.toml").read_text("utf-8"))["columns"]
    return ColumnSettings(group=columns["group"], internal=tuple(columns["internal"]))


def test_the_sample_list_has_55_attendees_in_three_groups_and_no_fault() -> None:
    people = load([SAMPLES / "attendees.csv"], settings())
    assert people.problems == ()
    assert people.attendees_count == len(people.attendees) == 55
    assert people.groups() == {"public": 26, "organisations": 10, "staff": 19}
    assert len({record.key for record in people.records}) == 55
    assert {people.columns[0].headers[at] for at in people.columns[0].internal} == {"Role", "Section"}


def test_the_sample_list_begins_with_somebody_whose_name_everybody_can_read() -> None:
    first = load([SAMPLES / "attendees.csv"], settings()).records[0]
    assert (first.name, first.address, first.group) == ("Ana Ruiz", "ana@example.org", "public")


def test_nobody_in_the_samples_can_be_real() -> None:
    for record in load([SAMPLES / "attendees.csv"], settings()).records:
        domain = record.address.rpartition("@")[2]
        assert domain in ("example.org", "example.com", "example.net") or domain.endswith(".example")


def test_the_list_of_mistakes_has_one_of_each_on_the_line_that_is_named() -> None:
    people = load([SAMPLES / "mistakes.csv"], settings())
    assert [(problem.code, problem.line, problem.column) for problem in people.problems] == MISTAKES
    assert [record.line for record in people.attendees] == [2, 8, 9, 10, 11, 13, 14, 18]

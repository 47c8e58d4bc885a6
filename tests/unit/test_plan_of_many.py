"""The plan of a long list: its actions are made when they are asked for, and are those that would have been kept."""

import tracemalloc
from array import array
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.making import an_event
from tests.unit.people import Book, changed
from tui.attendees import AttendeeList, ColumnSettings, Records, load
from tui.attendees.doubles import repeated
from tui.errors import InputError
from tui.ledger import NOT_CALLED_OFF, CalledOff
from tui.plan import Plan, make
from tui.plan.actions import Actions

EVENT = an_event()
HEADER = "name,email,group,id,status"
ROWS = (
    "Ana,ana@example.org,public,,",
    "Bo,bo@example.org,staff,,",
    "Cy,cy@@example.org,staff,,",
    "Di,di@example.org,press,,cancelled",
    "Eve,eve@example.org,public,7,",
    "Fay,fay@example.org,staff,,",
    "Fay again,fay@example.org,staff,,cancelled",
)


def listed(folder: Path, *rows: str) -> AttendeeList:
    file = folder / "people.csv"
    file.write_text("\n".join([HEADER, *rows]))
    return load([file], ColumnSettings())


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return listed(tmp_path, *ROWS).records


def known_to(records: Records, *names: str) -> Book:
    """A ledger in which these people hold an invitation."""
    book = Book()
    book.put(make(EVENT, [one for one in records if one.name in names], {}).actions)
    return book


def a_plan(records: Records) -> Plan:
    """Somebody is told of a change, somebody has an address that is new, and somebody is no longer listed."""
    book = known_to(records, "Ana", "Bo", "Di")
    old = book.people["bo@example.org"]
    book.people["bo@example.org"] = replace(old, address="bo@old.example", key="bo@example.org")
    gone = replace(book.people["ana@example.org"], key="gone@example.org", address="gone@example.org", name="Gone")
    moved = changed(EVENT, location="Elsewhere")
    return make(moved, records, {**book.people, "gone@example.org": gone}, wordings={"invite": "one"})


def test_actions_that_are_made_again_are_those_of_the_same_people_kept_as_objects(records: Records) -> None:
    lazy = a_plan(records)
    assert isinstance(lazy.actions, Actions)
    book = known_to(records, "Ana", "Bo", "Di")
    moved = changed(EVENT, location="Elsewhere")
    for people, off in (({}, NOT_CALLED_OFF), (book.people, NOT_CALLED_OFF), (book.people, CalledOff("another"))):
        made, kept = (make(moved, rows, people, off=off) for rows in (records, [*records]))
        assert isinstance(made.actions, Actions) and isinstance(kept.actions, tuple)
        assert made == kept and made.digest == kept.digest
        assert (made.counts, made.groups) == (kept.counts, kept.groups)
        assert made.to_send == kept.to_send
    assert lazy.actions == [*lazy.actions] == [lazy.actions[at] for at in range(len(lazy.actions))]


def test_every_sort_of_action_is_found_at_its_place(records: Records) -> None:
    plan = a_plan(records)
    said = [(action.attendee.name, action.action, action.kind) for action in plan.actions]
    assert said[:2] == [("Ana", "update", "due"), ("Bo", "update", "due")]
    assert ("Gone", "none", "removed") in said and ("Di", "none", "withdrawn") in said
    assert "Cy" not in {name for name, _, _ in said}, "who has an error is left out"
    assert [one.attendee.name for one in plan.to_send] == ["Ana", "Bo", "Eve", "Fay"]
    assert plan.counts["update"] == 2 and plan.counts["invite"] == 2 and plan.counts["removed"] == 1
    assert plan.groups == {"public": 2, "staff": 2}


@given(st.integers(-9, 9) | st.none(), st.integers(-9, 9) | st.none(), st.sampled_from([None, 1, 2, -1]))
def test_a_part_of_the_actions_is_that_part(start: int | None, stop: int | None, step: int | None) -> None:
    made = Actions.of(((row, [action]) for row, action in enumerate(FEW.actions)), lambda row: [FEW.actions[row]])
    part = slice(start, stop, step)
    assert made[part] == FEW.actions[part] and len(made[part]) == len(FEW.actions[part])


def test_only_some_people_are_all_that_these_are_owed(records: Records) -> None:
    plan = a_plan(records)
    chosen = plan.only(["EVE@example.org", "ana@example.org"])
    assert [one.attendee.name for one in chosen.actions] == ["Ana", "Eve"] and chosen.digest == plan.digest
    with pytest.raises(InputError, match=r"nobody@example\.org is not on the list"):
        plan.only(["ana@example.org", "nobody@example.org"])


def test_rows_that_only_the_messages_find_fault_with_are_left_out_too(records: Records) -> None:
    plan = make(EVENT, records, {}, left_out={0, 4})
    assert [one.attendee.name for one in plan.to_send] == ["Bo", "Fay"]


def test_who_is_listed_again_with_a_withdrawal_is_invited_once(records: Records) -> None:
    named = [one.attendee.name for one in make(EVENT, records, {}).actions if one.attendee.name.startswith("Fay")]
    assert named == ["Fay"]


def test_a_plan_of_many_keeps_next_to_nothing_of_each(tmp_path: Path) -> None:
    many = listed(tmp_path, *(f"P{number},p{number}@example.org,public,,ok" for number in range(4000))).records
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        plan = make(EVENT, many, {})
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(plan.to_send) == 4000
    assert (after - before) / 4000 < 60, "bytes of each"


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 40), max_size=80))
def test_whatever_is_there_twice_is_found_and_nothing_else(numbers: list[int]) -> None:
    assert repeated(array("q", numbers)) == {one for one in numbers if numbers.count(one) > 1}


def _few() -> Plan:
    from tests.unit.people import listed as row

    return make(EVENT, [row(f"p{number}@example.org", line=number + 2) for number in range(6)], {})


FEW = _few()

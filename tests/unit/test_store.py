"""The list as it is held: rows come back as they were read, many cost little, and nobody is taken for another."""

import csv
import io
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tui.attendees import Attendee, AttendeeList, Columns, ColumnSettings, load, reading, text
from tui.attendees.sieve import Sifted, sift
from tui.attendees.store import fold
from tui.attendees.text import Content
from tui.clean import body_text
from tui.errors import InputError

HEADERS = ("name", "email", "id", "group", "status", "note")
Row = tuple[str, ...]


def a_file(folder: Path, rows: Sequence[Sequence[str]], headers: Sequence[str] = HEADERS, name: str = "list") -> Path:
    file = folder / f"{name}.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerow(headers)
        writer.writerows(rows)
    return file


def a_list(folder: Path, rows: Sequence[Sequence[str]], headers: Sequence[str] = HEADERS) -> AttendeeList:
    return load([a_file(folder, rows, headers)], ColumnSettings())


def plain_rows(count: int) -> list[Row]:
    return [(f"Ana {at}", f"p{at}@example.org", "", f"g{at % 3}", "", "x" * (at % 5)) for at in range(count)]


# Cells as people and programs write them, and what may stand in the way of reading many at a time.
_ODD = "\t\n\r\x07\x1e\x1f\x7f\x85\xa0\xad\u180e\u200b\u200c\u2028\u202e\u3000\ufeff"
_TEXT = st.text(st.sampled_from("aB é王ß'\"," + _ODD), max_size=6)
_ADDRESS = st.one_of(
    st.builds("p{}@{}".format, st.integers(0, 9), st.sampled_from(["example.org", "Mail.Example.ORG", "gmial.com"])),
    st.builds(
        "{}@{}".format, st.text(st.sampled_from("aA.+'@ é"), max_size=5), st.sampled_from(["a.org", "x", "-.uk"])
    ),
    st.builds("{}p1@example.org{}".format, _TEXT, _TEXT),
    st.integers(50, 70).map(lambda length: "x" * length + "@example.org"),
    st.builds("p{}@example.org\np{}@example.org".format, st.integers(0, 9), st.integers(0, 9)),
    _TEXT,
)
_ROW = st.tuples(
    _TEXT,
    _ADDRESS,
    st.sampled_from(["", "", "1", " 2", "a  b", "a b", "p1@example.org"]),
    st.sampled_from(["", "public", " public", "pub\nlic"]),
    st.sampled_from(["", "", "", "yes", "cancelled", " Cancelled\n"]),
    _TEXT,
)
_ROWS = st.lists(_ROW, max_size=12)
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


# --- what comes back --------------------------------------------------------------------------------------------------


@in_one_folder
@given(_ROWS)
def test_the_cells_that_come_back_are_the_cleaned_cells_of_the_file(tmp_path: Path, rows: list[Row]) -> None:
    people = a_list(tmp_path, rows)
    # csv.reader takes spaces before a cell for no part of it only where it is not quoted, and all of these are.
    expected = [tuple(body_text(cell).strip() for cell in row) for row in rows if "".join(row).strip(",; \t\r\n\xa0")]
    assert [record.cells for record in people.records] == expected


@in_one_folder
@given(_ROWS)
def test_whatever_is_asked_in_bulk_is_what_the_attendees_say(tmp_path: Path, rows: list[Row]) -> None:
    people = a_list(tmp_path, rows)
    records, everybody = people.records, list(people.records)
    assert [records[at] for at in range(len(records))] == everybody
    assert list(records.identities()) == [(one.key, one.address) for one in everybody]
    for some in (range(len(records)), range(0, len(records), 7), range(2, len(records))):
        assert list(records.identities_of(some)) == [(row, records.identity(row)) for row in some]
    assert [records.line(at) for at in range(len(records))] == [one.line for one in everybody]
    assert [records.has_error(at) for at in range(len(records))] == [one.has_error for one in everybody]
    assert [records.is_withdrawn(at) for at in range(len(records))] == [one.withdrawn is not None for one in everybody]
    coming = [one for one in everybody if one.withdrawn is None]
    assert people.attendees == [one for one in coming if not one.has_error]
    assert people.attendees_count == len(coming)
    assert people.groups() == dict(Counter(one.group for one in coming))
    keys = {one.key for one in coming}
    assert people.withdrawn == [one for one in everybody if one.withdrawn is not None and one.key not in keys]
    for part in records.parts:
        for at in range(len(HEADERS)):
            cells = [one.cells[at] for one in everybody]
            assert list(part.column(at)) == cells
            assert part.values(at) == set(cells)
            assert part.blanks[at] == cells.count("")
            assert list(part.blank_rows(at)) == [row for row, cell in enumerate(cells) if not cell]


def test_rows_in_tens_of_thousands_come_back_as_they_were(tmp_path: Path) -> None:
    rows = plain_rows(9_000)
    people = a_list(tmp_path, rows)
    assert not people.problems
    assert [one.cells for one in people.records] == rows
    assert people.records[-1].line == 9_001
    assert [people.records[at].name for at in (0, 4095, 4096, 8999)] == ["Ana 0", "Ana 4095", "Ana 4096", "Ana 8999"]
    assert people.records.parts[0].blanks == [0, 0, 9_000, 0, 9_000, 1_800]
    assert people.groups() == {"g0": 3_000, "g1": 3_000, "g2": 3_000}


def test_the_records_are_a_sequence_like_any_other(tmp_path: Path) -> None:
    records = a_list(tmp_path, plain_rows(10)).records
    everybody = tuple(records)
    assert records == everybody
    assert records != everybody[1:]
    assert records != "records"
    assert records[2:5] == list(everybody[2:5])
    assert records[::-3][1] == everybody[6]
    assert records[-1] == everybody[9]
    assert everybody[4] in records
    assert records.index(everybody[4]) == 4
    with pytest.raises(IndexError):
        records[10]


def test_who_is_taken_by_number_is_one_object_while_somebody_holds_it(tmp_path: Path) -> None:
    people = a_list(tmp_path, plain_rows(3))
    held = people.records[1]
    assert people.records[1] is held
    assert people.attendees[1] is held
    assert people.records[1:][0] is held


def test_several_files_are_parts_of_one_list(tmp_path: Path) -> None:
    one = a_file(tmp_path, plain_rows(2), name="one")
    none = a_file(tmp_path, [], name="none")
    two = a_file(tmp_path, [("bo@example.org", "Bo"), ("cy@example.org", "")], ("email", "name"), name="two")
    records = load([one, none, two], ColumnSettings()).records
    assert [(part.file, part.label, part.rows) for part in records.parts] == [
        (str(one), "one", range(2)), (str(none), "none", range(2, 2)), (str(two), "two", range(2, 4)),
    ]  # fmt: skip
    assert [record.group for record in records] == ["g0", "g1", "two", "two"]
    assert [records.file(row) for row in range(4)] == [str(one), str(one), str(two), str(two)]
    assert list(records.parts[2].blank_rows(1)) == [3]
    assert records.row_at(str(two), 3) == 3
    assert records.row_at(str(one), 9) is None
    assert records.row_at("three.csv", 2) is None
    assert list(records.find("bo")) == [2]


# --- what is passed many at a time ------------------------------------------------------------------------------------


def _all_odd(rows: Sequence[list[str]], columns: Columns) -> Sifted:
    sifted = sift(rows, columns)
    return Sifted(sifted.rows, sifted.marks, sifted.keys, sifted.ids, range(len(rows)))


def _held(file: Path) -> tuple[AttendeeList, int]:
    """The list, and the bytes that it holds."""
    tracemalloc.start()
    try:
        people = load([file], ColumnSettings())
        return people, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_problem_in_every_row_takes_no_memory_until_somebody_looks_at_it(tmp_path: Path) -> None:
    rows = plain_rows(8_000)
    sound, wrong = (a_file(tmp_path, some, name=name) for name, some in (("sound", rows), ("wrong", _spoilt(rows))))
    load([sound, wrong], ColumnSettings())  # what the first domain needs is loaded
    people, held = _held(wrong)
    assert len(people.problems) == 8_000
    assert held < _held(sound)[1] + 8_000 * 40
    last = people.problems[-1]
    assert (last.code, last.line, last.value, last.hint) == (
        "bad-address", 8_001, "p7999@@example.org", "p7999@example.org",
    )  # fmt: skip
    assert people.attendees == ()
    assert people.attendees_count == 8_000


def _spoilt(rows: Sequence[Row]) -> list[Row]:
    return [(name, email.replace("@", "@@"), *rest) for name, email, *rest in rows]


def test_problems_are_a_sequence_like_any_other(tmp_path: Path) -> None:
    rows = [*_spoilt(plain_rows(3)), *plain_rows(2), *plain_rows(2), ("A\tb", "c@gmial.com", "", "", "", "")]
    problems = a_list(tmp_path, rows, (*HEADERS[:5], "")).problems
    said = tuple(problems)
    assert [(one.code, one.line) for one in said] == [
        ("blank-column-name", 1), ("bad-address", 2), ("bad-address", 3), ("bad-address", 4), ("duplicate-attendee", 7),
        ("duplicate-attendee", 8), ("likely-typo", 9), ("hidden-characters", 9),
    ]  # fmt: skip
    assert len(problems) == len(said) == 8
    assert [problems[at] for at in range(-8, 8)] == [*said, *said]
    assert problems[2:7:2] == said[2:7:2]
    assert problems == said
    assert problems != said[1:]
    assert problems != (*said[:-1], said[0])
    assert said[5] in problems
    with pytest.raises(IndexError):
        problems[8]


@in_one_folder
@given(_ROWS)
def test_every_problem_that_is_counted_is_told_in_the_order_of_the_lines(tmp_path: Path, rows: list[Row]) -> None:
    people = a_list(tmp_path, rows)
    told = list(people.problems)
    assert len(people.problems) == len(told)
    assert [one.line or 0 for one in told] == sorted(one.line or 0 for one in told)
    wrong = {one.line for one in told if one.severity == "error" and one.line}
    assert wrong == {one.line for one in people.records if one.has_error}


@settings(in_one_folder, max_examples=50)
@example([("", "p0@example.org", " 2", "", "", ""), ("", "p1@example.org", "2 ", "pub\nlic", "", "")])
@example([("", "p0@example.org", "2\r\n3", "", "", ""), ("", "p1@example.org", "2\n3", "pub\nlic", "", "")])
@given(st.lists(_ROW, min_size=1, max_size=12))
def test_a_row_that_is_passed_among_many_would_be_passed_alone(tmp_path: Path, rows: list[Row]) -> None:
    people = a_list(tmp_path, rows)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "sift", _all_odd)  # so that each row is judged by itself
        alone = a_list(tmp_path, rows)
    assert people == alone


def test_two_addresses_in_two_lines_of_a_cell_are_not_two_people(tmp_path: Path) -> None:
    rows = [("Ana", "p0@example.org\np1@example.org", "", "", "", ""), *plain_rows(3)]
    people = a_list(tmp_path, rows)
    assert [(one.code, one.line) for one in people.problems] == [("several-addresses", 2)]
    assert [one.key for one in people.attendees] == ["p0@example.org", "p1@example.org", "p2@example.org"]


def test_nothing_that_cleaning_takes_away_is_passed(tmp_path: Path) -> None:
    characters = [chr(code) for code in (*range(1, 0xD800), *range(0xE000, 0x10000), *range(0xE0000, 0xE0100))]
    changed = [at for at, char in enumerate(characters) if body_text(char) != char]
    around = sorted({min(max(at + by, 0), len(characters) - 1) for at in changed for by in (-1, 0, 1)})
    assert len(changed) > 200
    rows = [(f"A{characters[at]}na", f"p{at}@example.org", "", "", "", "") for at in around]
    people = a_list(tmp_path, rows)
    assert [one.cells[0] for one in people.records] == [body_text(row[0]) for row in rows]
    told = {problem.value for problem in people.problems if problem.code == "hidden-characters"}
    assert told == {row[0] for row in rows if body_text(row[0]) != row[0] or row[0][1] in "\t\n"}


@pytest.mark.parametrize("constant", [0, 7, -1])
def test_a_hash_that_two_addresses_share_makes_nobody_a_double(
    tmp_path: Path, constant: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [*plain_rows(40), *plain_rows(3)]
    expected = a_list(tmp_path, rows)
    monkeypatch.setattr(reading, "hash", lambda _: constant, raising=False)
    assert a_list(tmp_path, rows) == expected
    assert [problem.line for problem in expected.problems] == [42, 43, 44]


def test_a_list_is_held_in_the_memory_of_its_text(tmp_path: Path) -> None:
    file = a_file(tmp_path, [(*row[:5], "Vegetarian lunch, please") for row in plain_rows(8_000)])
    load([file], ColumnSettings())  # what the first domain needs is loaded
    tracemalloc.start()
    try:
        people = load([file], ColumnSettings())
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(people.records) == 8_000
    assert held < 1.5 * file.stat().st_size
    assert peak < 6 * file.stat().st_size


# --- search -----------------------------------------------------------------------------------------------------------


@in_one_folder
@given(_ROWS, st.text(st.sampled_from("aB é王ßs.p1@\n\x1e\x1f"), max_size=3))
def test_a_search_finds_the_rows_with_a_cell_that_has_it(tmp_path: Path, rows: list[Row], wanted: str) -> None:
    records = a_list(tmp_path, rows).records
    found = [at for at, one in enumerate(records) if any(fold(wanted) in fold(cell) for cell in one.cells)]
    assert list(records.find(wanted)) == found


def test_a_search_knows_no_case_and_no_accents(tmp_path: Path) -> None:
    names = ["Zoë MÜLLER", "Jose\u0301 Groß", "ana muller", "Łukasz", "王小明", *["Bo"] * 5_000]
    rows = [(name, f"p{at}@example.org", "", "", "", "") for at, name in enumerate(names)]
    records = a_list(tmp_path, rows).records
    searches = {
        "müller": [0, 2],
        "MULLER": [0, 2],
        "josé": [1],
        "gross": [1],
        "小": [4],
        "zoe m": [0],
        "p5003@": [5003],
    }
    assert {wanted: list(records.find(wanted)) for wanted in searches} == searches
    assert len(list(records.find("bo"))) == 5_000
    assert len(list(records.find("O"))) == 5_005
    assert not list(records.find("organa"))


# --- the file as a stream ---------------------------------------------------------------------------------------------

_CELLS = st.lists(st.text(st.sampled_from('ab,;" \n\r@x.org'), max_size=12), min_size=1, max_size=4)


@in_one_folder
@given(st.lists(_CELLS, max_size=4).map(lambda rows: [["name", "email", "note"], *rows]), st.data())
def test_a_record_over_several_lines_is_believed_only_where_a_close_look_would_believe_it(
    tmp_path: Path, rows: list[list[str]], data: st.DataObject
) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    content = stream.getvalue()
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(content)))
        content = content[:at] + data.draw(st.sampled_from(['"', '" ', "\n", ","])) + content[at:]
    file = tmp_path / "list.csv"
    file.write_bytes(content.encode())
    people = load([file], ColumnSettings())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(text, "_tidy", lambda _: re.compile("(?!)"))  # so that each is looked at closely
        assert load([file], ColumnSettings()) == people


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp932"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_byte_that_does_not_fit_is_found_on_its_line_however_far_down(
    tmp_path: Path, encoding: str, end: str
) -> None:
    lines = ["name,email", *(f"王{'é' if encoding != 'cp932' else ''},p{at}@example.org" for at in range(9_000))]
    good = end.join([*lines, ""])
    broken = {"utf-16": b"\x00\xdc", "utf-32": b"\xff\xff\xff\xff", "cp932": b"\x81\x01"}.get(encoding, b"\xff")
    file = tmp_path / "list.csv"
    file.write_bytes(good.encode(encoding) + broken + "x".encode(encoding.replace("-sig", ""))[-4:] * 70_000)
    people = load([file], ColumnSettings(), encoding=None if encoding != "cp932" else encoding)
    assert [(problem.code, problem.line) for problem in people.problems] == [("encoding", 9_002)]
    assert broken[:1].hex().upper() in people.problems[0].message


def test_a_nul_is_found_on_its_line_however_far_down(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"name,email\r\n" + b"Ana,ana@example.org\r\n" * 9_000 + b"B\0o,bo@example.org\r\n")
    (problem,) = load([file], ColumnSettings()).problems
    assert (problem.code, problem.line) == ("encoding", 9_002)


def test_a_quote_that_opens_far_down_keeps_everybody_before_it(tmp_path: Path) -> None:
    file = a_file(tmp_path, plain_rows(1_000))
    with file.open("a") as stream:
        stream.write('"Bo","bo@example.org","1","","","x\n' + "y,z\n" * 2_000)
    people = load([file], ColumnSettings())
    assert [(problem.code, problem.line) for problem in people.problems] == [("unclosed-quote", 1_002)]
    assert len(people.records) == 1_000


def test_a_file_that_changes_while_it_is_read_is_an_error_and_no_mixture(tmp_path: Path) -> None:
    file = a_file(tmp_path, plain_rows(1))
    content = Content(file)
    file.write_text("email\nsomebody@example.org\n")
    with pytest.raises(InputError, match="changed"):
        content.open()


def test_padding_below_the_list_is_nobody(tmp_path: Path) -> None:
    blank: Row = ("",) * 6
    people = a_list(tmp_path, [*plain_rows(2), *[blank] * 500, *plain_rows(3)[2:], *[("", " ") + blank[2:]] * 500])
    assert [one.line for one in people.records] == [2, 3, 504]
    assert not people.problems


def _everybody(people: AttendeeList) -> list[Attendee]:
    return list(people.records)


@pytest.mark.parametrize("ask", [_everybody, AttendeeList.groups, lambda people: people.withdrawn])
def test_a_list_of_nobody_answers_everything(tmp_path: Path, ask: Callable[[AttendeeList], Sequence[object]]) -> None:
    people = a_list(tmp_path, [])
    assert len(ask(people)) == 0
    assert list(people.records.find("")) == []
    assert people.records == ()

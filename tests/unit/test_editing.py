"""The organiser's files, changed value by value: everything else stays to the byte."""

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.editing import Unclear, change_cells, changed, moment_in, new_event, zone_named
from tui.editing.cells import _pieces
from tui.errors import InputError
from tui.event import understand

EVENT = """# my remark
[event]
title    = "Old"      # what it is called
start    = 2027-05-06T14:00:00
end      = 2027-05-06T15:30:00
timezone = "Europe/London"

[organizer]
name = "Team"
email = "team@example.org"
"""


def test_a_changed_value_leaves_every_remark_and_the_order_as_they_were() -> None:
    made = changed(EVENT, {("event", "title"): "New", ("event", "start"): datetime(2027, 6, 1, 9, 0)})
    assert made == EVENT.replace("Old", "New").replace("2027-05-06T14:00:00", "2027-06-01T09:00:00")


def test_a_new_key_and_a_new_table_are_added_and_a_blank_one_goes() -> None:
    made = changed(EVENT, {("event", "location"): "Hall", ("columns", "email"): "Mail", ("event", "end"): None})
    assert 'location = "Hall"' in made and '[columns]\nemail = "Mail"' in made
    assert "end " not in made and "# my remark" in made


def test_windows_line_ends_stay() -> None:
    made = changed(EVENT.replace("\n", "\r\n"), {("event", "title"): "New"})
    assert made.count("\r\n") == made.count("\n") == EVENT.count("\n")


def test_a_broken_event_file_is_left_alone() -> None:
    with pytest.raises(InputError, match="cannot be changed"):
        changed("[event\n", {("event", "title"): "New"})


def test_a_new_event_is_one_that_can_be_read() -> None:
    event, problems = understand(new_event(datetime(2027, 1, 1)), Path("event.toml"), "event.toml")
    assert event is not None and not problems and event.start.date() == date(2027, 1, 29)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2027-05-06 14:00", datetime(2027, 5, 6, 14)),
        ("2027-05-06T14:00", datetime(2027, 5, 6, 14)),
        ("2027-5-6 9.05", datetime(2027, 5, 6, 9, 5)),
        ("2027-05-06", date(2027, 5, 6)),
        ("15:30", datetime(2027, 5, 6, 15, 30)),
        ("90m", "90m"),
        ("1 h 30 min", "1h30min"),
        ("6.5.2027, 14 Uhr", datetime(2027, 5, 6, 14)),
        ("Thu 6th May 2027 at 2:30 pm", datetime(2027, 5, 6, 14, 30)),
        ("May 16, 2027", date(2027, 5, 16)),
        ("16/5/2027 12am", datetime(2027, 5, 16)),
        ("5/16/2027 14h30", datetime(2027, 5, 16, 14, 30)),
    ],
)
def test_dates_are_understood_as_people_type_them(typed: str, meant: object) -> None:
    assert moment_in(typed, date(2027, 5, 6)) == meant


@pytest.mark.parametrize("typed", ["", "soon", "2027-02-30", "2027-05-06 25:00", "6/5/2027", "6 Foo 2027", "14:00"])
def test_what_is_no_date_is_said_to_be_none(typed: str) -> None:
    with pytest.raises(Unclear):
        moment_in(typed)


@pytest.mark.parametrize("typed", ["Europe/London", "europe/london", "London", " london "])
def test_a_zone_is_found_by_its_name_or_its_city(typed: str) -> None:
    assert zone_named(typed) == "Europe/London"


@pytest.mark.parametrize("typed", ["", "Londn", "Atlantis"])
def test_a_zone_that_is_none_is_said_to_be_none(typed: str) -> None:
    with pytest.raises(Unclear):
        zone_named(typed)


def test_one_cell_changes_and_no_other_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    before = b'\xef\xbb\xbfName,Email,"Note"\r\nAna ,ana@@example.org,"two\nlines, ""x"""\r\n"Bo", bo@example.org ,\r\n'
    file.write_bytes(before)
    expected = ["Ana", "ana@@example.org", 'two\nlines, "x"']
    change_cells(file, 2, {1: "ana@example.org"}, expected=expected, delimiter=",")
    assert file.read_bytes() == before.replace(b"ana@@", b"ana@")
    change_cells(file, 4, {1: "bo, the; second", 2: 'a "quote"'}, expected=["Bo", "bo@example.org", ""], delimiter=",")
    assert file.read_bytes().endswith(b'"Bo","bo, the; second","a ""quote"""\r\n')


def test_a_short_record_is_filled_up_to_the_cell(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Name;Email;Group\nAna;a@example.org")
    change_cells(file, 2, {2: "staff"}, expected=["Ana", "a@example.org", ""], delimiter=";")
    assert file.read_text() == "Name;Email;Group\nAna;a@example.org;staff"


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
def test_the_encoding_stays(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("Name,Email\nZoë,z@@example.org\n".encode(encoding))
    change_cells(file, 2, {1: "z@example.org"}, expected=["Zoë", "z@@example.org"], delimiter=",")
    assert file.read_bytes() == "Name,Email\nZoë,z@example.org\n".encode(encoding)


def test_a_letter_that_the_encoding_lacks_is_refused_and_nothing_written(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("Name,Email\nZoë,z@example.org\n".encode("cp1252"))
    before = file.read_bytes()
    with pytest.raises(InputError, match="which has no “Ł”"):
        change_cells(file, 2, {0: "Łukasz"}, expected=["Zoë", "z@example.org"], delimiter=",")
    assert file.read_bytes() == before


def test_a_row_that_is_another_by_now_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Name,Email\nBo,bo@example.org\n")
    with pytest.raises(InputError, match="changed meanwhile"):
        change_cells(file, 2, {1: "x@example.org"}, expected=["Ana", "ana@example.org"], delimiter=",")
    assert "bo@example.org" in file.read_text()


@given(st.lists(st.text(alphabet=' "a;,\n@', max_size=6), min_size=1, max_size=5))
def test_the_pieces_of_a_written_record_are_its_cells(cells: list[str]) -> None:
    import csv
    import io

    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerow(cells)
    assert [piece.value for piece in _pieces(stream.getvalue(), ",")] == cells
    assert ",".join(piece.raw for piece in _pieces(stream.getvalue(), ",")) == stream.getvalue().rstrip("\r\n")

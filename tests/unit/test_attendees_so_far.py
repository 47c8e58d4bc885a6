"""The records of a long file, looked at while it is being read."""

from collections.abc import Sequence
from pathlib import Path

from tui.attendees import Attendee, ColumnSettings, load

ROWS = 45_000


def long_file(folder: Path, name: str) -> Path:
    file = folder / name
    people = (f"P {number},p{number}@{name}.example.org\n" for number in range(ROWS))
    file.write_text("Name,Email\n" + "".join(people))
    return file


def test_the_first_records_are_told_at_once_and_then_more_and_more(tmp_path: Path) -> None:
    told: list[Sequence[Attendee]] = []
    whole = load([long_file(tmp_path, "a")], ColumnSettings(), seen=told.append)
    assert len(told[0]) < 200
    assert [len(one) for one in told] == sorted({len(one) for one in told})
    assert len(told) == 3
    for some in told:
        assert some == whole.records[: len(some)]


def test_what_is_told_names_the_file_that_each_record_is_in(tmp_path: Path) -> None:
    told: list[Sequence[Attendee]] = []
    files = [long_file(tmp_path, "a"), long_file(tmp_path, "b")]
    load(files, ColumnSettings(), seen=told.append)
    assert told[-1][ROWS - 1].file == str(files[0])
    assert told[-1][ROWS].file == str(files[1])


def test_somebody_who_is_looked_at_stays_the_same_while_their_file_is_read(tmp_path: Path) -> None:
    told: list[Sequence[Attendee]] = []
    load([long_file(tmp_path, "a")], ColumnSettings(), seen=told.append)
    first = told[0][0]
    assert told[-1][0] is first


def test_the_list_says_how_each_file_was_read(tmp_path: Path) -> None:
    commas, semicolons = tmp_path / "c.csv", tmp_path / "s.csv"
    commas.write_text("Name,Email\nAna,ana@example.org\n")
    semicolons.write_text("Name;Email\nZoë;zoe@example.org\n", encoding="cp1252")
    read = load([commas, semicolons], ColumnSettings())
    assert read.encodings == ("utf-8", "windows-1252")
    assert read.delimiters == (",", ";")

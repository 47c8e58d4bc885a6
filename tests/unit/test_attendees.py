"""Attendee files as people have them: what is read, and what is said about the rest."""

import contextlib
import csv
import gc
import io
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.attendees import AttendeeList, ColumnSettings, load, normalise_header, squash
from tui.errors import InputError, Problem, UsageError

Read = Callable[..., AttendeeList]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads the given text or bytes as one file after another: list.csv, list2.csv, ..."""

    def read(*contents: str | bytes, encoding: str | None = None, suffix: str = ".csv", **columns: Any) -> AttendeeList:
        files = []
        for number, content in enumerate(contents, 1):
            file = tmp_path / f"list{number if number > 1 else ''}{suffix}"
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
            files.append(file)
        return load(files, ColumnSettings(**columns), encoding=encoding)

    return read


def found(people: AttendeeList) -> list[tuple[str, int | None]]:
    return [(problem.code, problem.line) for problem in people.problems]


def only(people: AttendeeList, code: str) -> Problem:
    (problem,) = (problem for problem in people.problems if problem.code == code)
    return problem


def addresses(people: AttendeeList) -> list[str]:
    return [record.address for record in people.records]


def workbook(*sheets: Sequence[Sequence[str | float]], hidden: int = -1) -> bytes:
    """The bytes of a small .xlsx: what a spreadsheet writes, with nothing that it need not write."""

    def cell(value: str | float) -> str:
        if isinstance(value, float):
            return f'<c t="n"><v>{value!r}</v></c>'
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="{kinds}.worksheet+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kinds}.sheet.main+xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r" Type="{office}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        names = "".join(
            f'<sheet name="Sheet {at}" sheetId="{at}" r:id="r{at}" state="{"hidden" if at == hidden else "visible"}"/>'
            for at in range(1, len(sheets) + 1)
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{names}</sheets></workbook>'
        )
        links = "".join(
            f'<Relationship Id="r{at}" Type="{office}/worksheet" Target="worksheets/sheet{at}.xml"/>'
            for at in range(1, len(sheets) + 1)
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}">{links}</Relationships>')
        for at, rows in enumerate(sheets, 1):
            body = "".join(
                f'<row r="{line}">{"".join(map(cell, row))}</row>' for line, row in enumerate(rows, 1) if row
            )
            archive.writestr(
                f"xl/worksheets/sheet{at}.xml", f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
            )
    return raw.getvalue()


# --- who is in the file -----------------------------------------------------------------------------------------------


def test_a_record_becomes_an_attendee(read: Read) -> None:
    people = read("Name,E-mail,Group,T shirt\nAna Ruiz,Ana@Example.org,public, L \n", internal=("t-shirt",))
    (ana,) = people.records
    assert (ana.key, ana.address, ana.name, ana.group, ana.line) == (
        "ana@example.org", "Ana@example.org", "Ana Ruiz", "public", 2,
    )  # fmt: skip
    assert ana.file == people.files[0]
    assert ana.cells == ("Ana Ruiz", "Ana@Example.org", "public", "L")
    assert ana.fields == {"Name": "Ana Ruiz", "E-mail": "Ana@Example.org", "Group": "public", "T shirt": "L"}
    assert ana.cell("T_SHIRT") == "L"
    with pytest.raises(KeyError):
        ana.cell("shoe")
    assert not ana.has_error
    assert ana.withdrawn is None
    assert not people.problems
    assert people.columns[0].placeholders == {"name": 0, "e_mail": 1, "group": 2, "t_shirt": 3}
    assert people.columns[0].internal == {3}
    assert (people.attendees_count, people.groups(), people.encodings) == (1, {"public": 1}, ("utf-8",))
    assert len({ana, ana}) == 1


@pytest.mark.parametrize(
    "header",
    [
        *("email", "Email", "E-MAIL", "e_mail", "Email Address", "email_address", "E-mail Address", "mail", " Email "),
        *("Attendee Email", "E-mail 1 - Value", "ｅｍａｉｌ"),
    ],
)
def test_the_address_column_is_recognised_however_it_is_written(read: Read, header: str) -> None:
    assert addresses(read(f"Name,{header},Notes\nAna,ana@example.org,x\n")) == ["ana@example.org"]


@pytest.mark.parametrize(
    ("header", "cells", "name"),
    [
        ("name", "Ana Ruiz", "Ana Ruiz"),
        ("Full Name", "Ana Ruiz", "Ana Ruiz"),
        ("First Name,Last Name", "Ana,Ruiz", "Ana Ruiz"),
        ("surname,given_name", "Ruiz,Ana", "Ana Ruiz"),
        ("Family name,First name", ",Ana", "Ana"),
        ("First name,Name", "A,Ana Ruiz", "Ana Ruiz"),
        ("Phone", "123", ""),
        ("Name", "  Ana   Ruiz ", "Ana Ruiz"),
    ],
)
def test_the_name_is_one_column_or_first_and_last_joined(read: Read, header: str, cells: str, name: str) -> None:
    assert read(f"{header},email\n{cells},ana@example.org\n").records[0].name == name


def test_columns_that_are_not_recognised_are_named_in_the_settings(read: Read) -> None:
    people = read(
        "Contact e-mail,Wie heißt du,Ref,Audience,Antwort\n"
        "ana@example.org,Ana,7,public,ja\n"
        "bo@example.org,Bo,8,staff,No\n",
        email="contact E-Mail", name="Wie heisst du", id="REF", group="audience", status="Antwort",
    )  # fmt: skip
    ana, bo = people.records
    assert (ana.key, ana.name, ana.group, ana.withdrawn) == ("7", "Ana", "public", None)
    assert (bo.key, bo.withdrawn) == ("8", "No")


def test_the_key_is_the_id_where_there_is_one_else_the_address(read: Read) -> None:
    people = read("id,email\n R-1 ,ana@example.org\n,Bo@Example.org\n")
    assert [record.key for record in people.records] == ["R-1", "bo@example.org"]


def test_the_answer_numbers_of_microsoft_forms_are_no_ids(read: Read) -> None:
    people = read("ID,Start time,Completion time,Email,Name\n1,x,y,ana@example.org,Ana\n2,x,y,bo@example.org,Bo\n")
    assert [record.key for record in people.records] == ["ana@example.org", "bo@example.org"]


def test_several_files_are_one_list_with_a_group_each(read: Read) -> None:
    people = read("email\nana@example.org\n", "email,group\nbo@example.org,staff\ncy@example.org,\n")
    assert [(record.group, record.line) for record in people.records] == [("list", 2), ("staff", 2), ("list2", 3)]
    assert people.groups() == {"list": 1, "staff": 1, "list2": 1}
    assert len(people.columns) == 2
    assert read("email\nana@example.org\n").groups() == {"": 1}


def test_cells_are_as_a_message_may_hold_them(read: Read) -> None:
    people = read('email,note,sum\nana@example.org,"a\r\nb\u202e\x1b[31m","=HYPERLINK(""http://x"")"\n')
    assert people.records[0].cells[1:] == ("a\nb[31m", '=HYPERLINK("http://x")')


@pytest.mark.parametrize(
    ("header", "squashed", "placeholder"),
    [
        ("First Name", "firstname", "first_name"),
        ("First-Name", "firstname", "first_name"),
        ("  FIRST__name ", "firstname", "first_name"),
        ("T-shirt size?", "tshirtsize?", "t_shirt_size"),
        ("E-mail 1 - Value", "email1value", "e_mail_1_value"),
        ("Größe", "grösse", "grösse"),
        ("नाम", "नाम", "नाम"),
        ("हिन्दी नाम", "हिन्दीनाम", "हिन्दी_नाम"),
        ("Don't know", "don'tknow", "dont_know"),
        ("2nd choice", "2ndchoice", "2nd_choice"),
        ("#", "#", ""),
        ("", "", ""),
    ],
)
def test_a_header_has_a_form_for_matching_and_one_for_the_wording(header: str, squashed: str, placeholder: str) -> None:
    assert (squash(header), normalise_header(header)) == (squashed, placeholder)


# --- the form of the file ---------------------------------------------------------------------------------------------

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_that_spreadsheets_write_is_recognised(read: Read, encoding: str) -> None:
    text = "Name,Email\r\nZoë Müller,zoe@example.org\r\nSeán “Jack” O’Brien,sean@example.org\r\n"
    people = read(text.encode(encoding))
    assert [record.name for record in people.records] == ["Zoë Müller", "Seán “Jack” O’Brien"]
    assert not people.problems
    assert people.columns[0].headers == ("Name", "Email")


def test_windows_1252_with_german_quotation_marks_is_no_mixture(read: Read) -> None:
    people = read("Name,Email,Note\nJörg,j@example.org,„Gruß“ und Maß“\n".encode("cp1252"))
    assert people.encodings == ("windows-1252",)
    assert people.records[0].cells[2] == "„Gruß“ und Maß“"


def test_an_encoding_can_be_named(read: Read) -> None:
    text = "Imię,Email\nŁukasz,lukasz@example.org\n"
    assert read(text.encode("cp1250"), encoding="cp1250").records[0].cells[0] == "Łukasz"
    assert read(text.encode("utf-8-sig"), encoding="utf8").columns[0].headers[0] == "Imię"
    with pytest.raises(UsageError, match="latin-99"):
        read(text, encoding="latin-99")
    with pytest.raises(UsageError):
        read(text, encoding="hex")
    assert found(read(text.encode("cp1250"), encoding="utf-8")) == [("encoding", 1)]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("name,email\nZoë,zoe@example.org\n".encode() + "Seán,sean@example.org\n".encode("cp1252"), 3),
        (b"name,email\r\nA\x81B,ana@example.org\r\n", 2),
        (b"name,email\nAna,ana@example.org\nB\0o,bo@example.org\n", 3),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None),
        ("name,email\nAna,ana@example.org\n".encode("utf-16")[:-1], None),
        (b"PK\x03\x04 not a workbook", None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 neither", None),
        (bytes(range(256)) * 40, None),
    ],
    ids=["mixture", "undefined", "nul", "picture", "half a character", "zip", "ole", "bytes"],
)
def test_bytes_that_fit_no_encoding_are_an_error_and_nothing_is_read(read: Read, data: bytes, line: int | None) -> None:
    people = read(data)
    problem = only(people, "encoding")
    assert problem.severity == "error"
    assert line is None or problem.line == line
    assert people.records == ()
    assert people.file_errors == (problem,)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_the_one_under_which_the_header_makes_sense(read: Read, delimiter: str, end: str) -> None:
    rows = [["Last, first; or\tboth", "Email", "Notes"], ["Ruiz, Ana; A.", "ana@example.org", "x,y;z"], []]
    text = "".join(delimiter.join(f'"{cell}"' for cell in row) + end for row in rows)
    people = read(text)
    assert not people.problems
    assert people.records[0].cells == ("Ruiz, Ana; A.", "ana@example.org", "x,y;z")


def test_unquoted_cells_with_the_other_delimiters_in_them_are_one_cell(read: Read) -> None:
    people = read("Name;Email;Notes, if any\nRuiz, Ana;ana@example.org;a,b,c\n")
    assert people.records[0].cells == ("Ruiz, Ana", "ana@example.org", "a,b,c")


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;"])
def test_excels_own_first_line_names_the_delimiter(read: Read, first: str) -> None:
    people = read(f"{first}\r\nName;Email\r\nAna;ana@example.org\r\n")
    assert [(record.name, record.line) for record in people.records] == [("Ana", 3)]
    assert read("sep=|\nName|Email\nAna|ana@example.org\n").records[0].name == "Ana"


def test_lines_are_counted_as_an_editor_counts_them(read: Read) -> None:
    people = read(
        'Name,"Email"\n'  # 1
        "\n"
        '"Ana\r\nMaría\nRuiz",ana@example.org\r\n'  # 3 to 5
        ",,\r"
        "Bo,bo@example.org\r"  # 7
        "\r\n"
        'Cy, "cy@example.org"\n'  # 9
        "   , \n"
        "Di,di@example.org"  # 11
    )
    assert [(record.name, record.line) for record in people.records] == [
        ("Ana María Ruiz", 3), ("Bo", 7), ("Cy", 9), ("Di", 11),
    ]  # fmt: skip
    assert found(people) == [("hidden-characters", 3)]


def test_a_header_is_found_under_a_platforms_preamble(read: Read) -> None:
    people = read(
        "Registration Report\n"
        'Topic,"Pathways\nto Work",Webinar ID\n'
        "Generated:,6 May 2027\n"
        "\n"
        "Attendee Details\n"
        "First Name,Last Name,Email,Approval Status\n"  # 7
        "Ana,Ruiz,ana@example.org,approved\n"
        "Bo,Li,bo@example.org,denied\n"
    )
    assert [(record.name, record.line, record.withdrawn) for record in people.records] == [
        ("Ana Ruiz", 8, None), ("Bo Li", 9, "denied"),
    ]  # fmt: skip
    assert found(people) == [("withdrawn", 9)]


def test_cells_and_rows_beyond_what_anybody_types_are_read(read: Read) -> None:
    long = "x" * 300_000
    assert read(f"email,note\nana@example.org,{long}\n").records[0].cells[1] == long
    headers = ",".join(f"c{number}" for number in range(16_383))
    people = read(f"email,{headers}\nana@example.org,{headers}\n")
    assert people.records[0].cell("c16382") == "c16382"
    assert not people.problems


def test_quotation_marks_inside_a_cell_are_only_characters(read: Read) -> None:
    people = read('name,email,note\n"Bo" Li,bo@example.org,5" screen\n"Cy ""C"" Dee",cy@example.org,"a,\n""b"""\n')
    assert [record.name for record in people.records] == ["Bo Li", 'Cy "C" Dee']
    assert people.records[0].cells[2] == '5" screen'
    assert people.records[1].cells[2] == 'a,\n"b"'
    assert not people.problems


# The cells that a csv writer can be asked to write, without what cleaning takes away.
_CELL = st.text(st.sampled_from("aé王,;\t\"'\n= @0"), max_size=8).map(lambda cell: cell.strip())
_ROWS = st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=_ROWS,
    delimiter=st.sampled_from(",;\t"),
    # With QUOTE_MINIMAL the writer forgets to quote a line feed where a carriage return ends the lines.
    form=st.sampled_from(
        [("\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)]
    ),
    encoding=st.sampled_from(ENCODINGS[:-1]),
    preamble=st.sampled_from(["", "Report\n", "sep"]),
)
def test_what_a_csv_writer_writes_is_read_cell_by_cell_and_line_by_line(
    read: Read, rows: list[tuple[str, str]], delimiter: str, form: tuple[str, int], encoding: str, preamble: str
) -> None:
    end, quoting = form
    stream = io.StringIO(newline="")
    stream.write(f"sep={delimiter}{end}" if preamble == "sep" else preamble)
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]  # one of csv's
    writer.writerow(["before", "email", "after"])
    expected = []
    for number, (before, after) in enumerate(rows):
        expected.append((1 + len(_editor_lines(stream.getvalue())), (before, f"p{number}@example.org", after)))
        writer.writerow(expected[-1][1])
    people = read(stream.getvalue().encode(encoding))
    assert [(record.line, record.cells) for record in people.records] == expected
    assert not people.problems


def _editor_lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(st.sampled_from('email@x.org,;\t"\n\r \0é'), max_size=200).map(str.encode)
    )
)
def test_no_bytes_whatever_raise_anything(read: Read, data: bytes) -> None:
    people = read(data)
    assert people.records or any(problem.severity == "error" for problem in people.problems)
    assert all(problem.message and problem.file for problem in people.problems)


# --- workbooks --------------------------------------------------------------------------------------------------------


def test_a_workbook_is_read_as_it_looks(read: Read) -> None:
    people = read(
        workbook(
            [["About this list"], [], ["Not here"]],
            [["Guests"], [], ["Name", "Email", "Ref", "Half"], ["Ana", "ana@example.org", 7.0, 0.5], [],
             ["Bo", "bo@@example.org", 8.0]],
        ),
        suffix=".xlsx", id="Ref",
    )  # fmt: skip
    assert people.encodings == ("xlsx",)
    assert [(record.line, record.key, record.cells) for record in people.records] == [
        (4, "7", ("Ana", "ana@example.org", "7", "0.5")),
        (6, "8", ("Bo", "bo@@example.org", "8", "")),
    ]
    assert found(people) == [("bad-address", 6)]


def test_a_workbook_under_a_csv_name_is_a_workbook_and_its_hidden_sheets_are_not_read(read: Read) -> None:
    old, new = [["Email"], ["old@example.org"]], [["Email"], ["new@example.org"]]
    assert addresses(read(workbook(old, new, hidden=1))) == ["new@example.org"]
    assert found(read(workbook([["Phone"], ["1"]]))) == [("no-address-column", None)]
    assert found(read(workbook([]))) == [("empty-file", None)]


# --- what is wrong with the file --------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_opened_stops_the_command_with_its_name(tmp_path: Path) -> None:
    closed = tmp_path / "closed.csv"
    closed.write_text("email\n")
    closed.chmod(0)
    wrong = [tmp_path / "missing.csv", tmp_path, Path("nul\0byte.csv")]
    if os.geteuid() != 0:
        wrong.append(closed)
    for file in wrong:
        with pytest.raises(InputError) as caught:
            load([file], ColumnSettings())
        assert str(file) in caught.value.message
        assert caught.value.exit_code == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_what_is_no_file_is_refused_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")  # nobody writes to it
    (tmp_path / "link.csv").symlink_to("pipe.csv")
    listening = socket.socket(socket.AF_UNIX)
    with listening, contextlib.chdir(tmp_path):  # a socket's path may be no longer than 100 characters
        listening.bind("socket.csv")
        for file, what in {
            "pipe.csv": "pipe",
            "link.csv": "pipe",
            "socket.csv": "socket",
            "/dev/zero": "device",
        }.items():
            with pytest.raises(InputError) as caught:
                load([file], ColumnSettings())
            assert caught.value.message == f"{file} cannot be read: it is a {what}, not a file."
            assert caught.value.hint == "Save the list as a file, and name that."
            assert (caught.value.code, caught.value.exit_code) == ("unreadable", 1)


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="this system's standard input has no name")
def test_a_list_that_is_piped_in_is_refused_and_a_file_put_there_is_read(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("email\nana@example.org\n")
    program = (
        "from tui.attendees import ColumnSettings, load; print(len(load(['/dev/stdin'], ColumnSettings()).records))"
    )
    with file.open() as stream:
        put = subprocess.run([sys.executable, "-c", program], stdin=stream, capture_output=True, text=True, check=False)
    assert put.stdout == "1\n"
    piped = subprocess.run(
        [sys.executable, "-c", program], input="email\n", capture_output=True, text=True, check=False
    )
    assert "/dev/stdin cannot be read: it is a pipe, not a file." in piped.stderr


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", ",,\n;;\n", "  \r\n"])
def test_a_file_with_nothing_in_it_is_empty(read: Read, text: str) -> None:
    people = read(text)
    assert found(people) == [("empty-file", None)]
    assert people.columns == ()


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x81\xff", bytes(range(256)) * 9, b"email\na\0@x.org\n"]
)
def test_a_file_that_is_no_text_is_said_to_be_none(read: Read, data: bytes) -> None:
    (problem,) = read(data).problems
    assert (problem.code, problem.message) == ("encoding", "This is not a text file: it holds NUL bytes.")


def test_a_header_alone_is_nobody(read: Read) -> None:
    people = read("Name,Email\n\n,,\n", "email\nana@example.org\n")
    assert found(people) == [("no-attendees", None)]
    assert people.problems[0].file == people.files[0]
    assert people.attendees_count == 1
    assert people.file_errors == people.problems


@pytest.mark.parametrize(
    ("text", "columns", "hint"),
    [
        ("Name,Phone\nAna,123\n", {}, "first line"),
        ("Name,Contact\nAna,ana@example.org\n", {}, '[columns]: email = "Contact"'),
        ("Name,Emial\nAna,\n", {}, "“Emial”"),
        ("Ana,ana@example.org\nBo,bo@example.org\n", {}, "a line above it"),
        ("Name,Contact e-mail\nAna,ana@example.org\n", {"email": "Contact mail"}, '"Contact e-mail"'),
        ("Name,Email\nAna,\n", {"email": "Contact"}, "first line"),
    ],
)
def test_a_file_without_an_address_column_is_told_which_column_it_may_be(
    read: Read, text: str, columns: dict[str, str], hint: str
) -> None:
    people = read(text, **columns)
    assert found(people) == [("no-address-column", None)]
    assert hint in (people.problems[0].hint or "")
    assert people.records == ()


@pytest.mark.parametrize(
    ("header", "settings"),
    [
        ("Email,Name,e-mail", {}),
        ("Name,Email,NAME", {}),
        ("email,ID,id", {}),
        ("email,group,Group", {}),
        ("email,join_url,Join URL", {}),
        ("email,attachment,Attachment", {}),
        ("email,Comes,comes", {"status": "Comes"}),
    ],
)
def test_two_columns_that_may_both_be_meant_are_an_error_and_no_row_is_judged(
    read: Read, header: str, settings: dict[str, str]
) -> None:
    people = read(f"{header}\nx,y,z\n", **settings)
    assert found(people) == [("duplicate-column", 1)]
    assert people.problems[0].column == header.rpartition(",")[2]
    assert people.problems[0].severity == "error"
    assert not people.records
    assert not people.columns


def test_two_columns_that_nothing_here_uses_are_a_warning_and_known_to_the_wording(read: Read) -> None:
    people = read("email,T shirt,t-shirt,Size?,Size\nana@example.org,L,M,1,2\n")
    assert found(people) == [("duplicate-column", 1), ("duplicate-column", 1)]
    assert {problem.severity for problem in people.problems} == {"warning"}
    assert people.columns[0].duplicates == {"tshirt", "size", "size?"}
    assert people.records[0].fields == {
        "email": "ana@example.org",
        "T shirt": "L",
        "t-shirt": "M",
        "Size?": "1",
        "Size": "2",
    }


def test_columns_without_a_name_are_a_warning(read: Read) -> None:
    people = read("email,,Name, \nana@example.org,,Ana,\n")
    assert found(people) == [("blank-column-name", 1)]
    assert "2, 4" in people.problems[0].message
    assert people.records[0].name == "Ana"


@pytest.mark.parametrize(
    ("header", "settings", "hint"),
    [
        ("email,Attendee State", {"status": "Attendee Status"}, "“Attendee State”"),
        ("email,Ref no", {"id": "Ref"}, "“Ref no”"),
        ("email,Full names", {"name": "Full name"}, "“Full names”"),
        ("email,Decision", {"status": "Zusage"}, "Name one of the file's columns"),
        ("email,Audiences", {"group": "Audience"}, "“Audiences”"),
        ("email,Role", {"internal": ("Rolle",)}, "“Role”"),
    ],
)
def test_a_setting_that_no_file_has_is_told_with_the_nearest_header(
    read: Read, header: str, settings: dict[str, str | tuple[str, ...]], hint: str
) -> None:
    people = read(f"{header}\na@example.org{',x' * header.count(',')}\n", **settings)
    (problem,) = people.problems
    (wanted,) = settings.values()
    assert (problem.severity, problem.code, problem.file, problem.line) == (
        "error", "bad-event", people.files[0], None,
    )  # fmt: skip
    assert problem.value == (wanted if isinstance(wanted, str) else wanted[-1])
    assert f"“{problem.value}”" in problem.message or f'"{problem.value}"' in problem.message
    assert hint in (problem.hint or "")
    assert people.file_errors == people.problems


def test_a_list_may_have_no_groups_and_nothing_internal(read: Read) -> None:
    assert not read("email,City\na@example.org,x\n", group="Audience", internal=("Role", "Section")).problems
    assert not read("email,Note\na@example.org,x\n", internal=("Note", "Notes")).problems, (
        "what is like it is protected"
    )


def test_a_setting_that_one_of_several_files_has_is_right(read: Read) -> None:
    assert not read("email,Ref\na@example.org,1\n", "email\nb@example.org\n", id="Ref").problems
    assert not read("email,Role\na@example.org,1\n", "email\nb@example.org\n", internal=("Role",)).problems


def test_an_internal_column_that_a_second_file_spells_differently_is_not_left_unprotected(read: Read) -> None:
    people = read("email,Role\na@example.org,1\n", "email,Roles\nb@example.org,2\n", internal=("Role",))
    (problem,) = people.problems
    assert (problem.severity, problem.code, problem.file) == ("error", "bad-event", people.files[1])
    assert problem.hint == "Did you mean “Roles”?"


@pytest.mark.parametrize(
    ("rows", "line", "read_before"),
    [
        ('Ana,ana@example.org,"x\nBo,bo@example.org,\nCy,cy@example.org,\n', 2, []),
        ('Ana,ana@example.org,x\nBo,bo@example.org,"y', 3, ["ana@example.org"]),
        ('Ana,ana@example.org,"a\nb"\nBo,bo@example.org,"y\n', 4, ["ana@example.org"]),
        ('"Ana,ana@example.org,x\n"Bo",bo@example.org,y\n', 2, []),
        ('"Ana","ana@example.org,"x"\n"Bo","bo@example.org","y"\n', 2, None),
        ('Ana,ana@example.org,"x\nBo,bo@example.org,y\nCy,cy@example.org,"\nDi,di@example.org,z\n', 2, []),
        ('"two\nlines",ana@example.org,"x\nBo,bo@example.org,\n', 3, []),
        ('Ana,ana@example.org,"first ""x"" \nBo,bo@example.org,\n', 2, []),
    ],
)
def test_a_quote_that_is_not_closed_swallows_nobody_in_silence(
    read: Read, rows: str, line: int, read_before: list[str] | None
) -> None:
    people = read("Name,Email,Notes\n" + rows)
    assert [problem.line for problem in people.problems if problem.severity == "error"][:1] == [line]
    if read_before is not None:
        assert found(people) == [("unclosed-quote", line)]
        assert addresses(people) == read_before
        assert people.file_errors == people.problems


def test_a_quote_that_is_not_closed_in_the_header_is_named(read: Read) -> None:
    assert found(read('Name,"Email\nAna,ana@example.org\n')) == [("unclosed-quote", 1)]


@pytest.mark.parametrize(
    "note",
    [
        '"Ring Bo first,\nbo@example.org"',
        '"line one\nline, two"',
        '"a ""quoted"" word,\nand, more" ',
        '"12 High St,\nLondon, N1"',
        '"x\ny"  ',
    ],
)
def test_a_cell_with_line_breaks_is_not_suspected(read: Read, note: str) -> None:
    people = read(f"Name,Notes,Email\nAna,{note},ana@example.org\nBo,,bo2@example.org\n")
    assert not people.problems
    assert addresses(people) == ["ana@example.org", "bo2@example.org"]


# --- what is wrong with a row -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "code", "column", "value", "hint"),
    [
        ("Bo,bo@@example.org,", "bad-address", "E-Mail", "bo@@example.org", "bo@example.org"),
        ("Bo,Bo Li <bo@example.org>,", "bad-address", "E-Mail", "Bo Li <bo@example.org>", "bo@example.org"),
        ("Bo,bo@example.org.,", "bad-address", "E-Mail", "bo@example.org.", "bo@example.org"),
        ("Bo,anonymous,", "bad-address", "E-Mail", "anonymous", "Correct it in the file, or delete the row."),
        ("Li,Bo,bo@example.org", "bad-address", "E-Mail", "Bo", "bo@example.org is one cell further right"),
        ("Name,email,Notes", "bad-address", "E-Mail", "email", "This row is the header once more: delete it."),
        ('Bo,"bo@example.org\nuk",', "bad-address", "E-Mail", "bo@example.org\nuk", "bo@example.org"),
        ("Bo,bo@example.org\u00a0uk,", "bad-address", "E-Mail", "bo@example.org\u00a0uk", "bo@example.org"),
        (
            "Bo,b@example.org;c@example.org,",
            "several-addresses",
            "E-Mail",
            "b@example.org;c@example.org",
            "a row of their",
        ),
        ('Bo,"b@example.org\r\nBcc: c@example.org",', "several-addresses", "E-Mail", None, "a row of their"),
        ("Bo,,x", "missing-address", "E-Mail", "", "Fill it in"),
        ("Bo,\u200b,x", "missing-address", "E-Mail", "\u200b", "Fill it in"),
        ("Li, Bo,bo@example.org,x", "extra-cells", None, "x", "quotation marks"),
        ("Bo,bo@example.org", "missing-cells", None, None, "complete"),
        ("Bo,bo@exam\u200bple.org,", "hidden-characters", "E-Mail", "bo@exam\u200bple.org", "bo@example.org"),
        ("Bo,\u202abo@example.org\u202c,", "hidden-characters", "E-Mail", None, "bo@example.org"),
        ("Bo,bo@example.org\u00a0,", "hidden-characters", "E-Mail", None, "bo@example.org"),
        ('Bo,"bo@example.org\n",', "hidden-characters", "E-Mail", "bo@example.org\n", "bo@example.org"),
        ("B\u202eo,bo@example.org,", "hidden-characters", "Name", "B\u202eo", "“Bo”"),
        ('"Bo\nLi",bo@example.org,', "hidden-characters", "Name", "Bo\nLi", "“Bo Li”"),
        ("Bo\tLi,bo@example.org,", "hidden-characters", "Name", "Bo\tLi", "“Bo Li”"),
        ("Bo,bo@gmial.com,", "likely-typo", "E-Mail", "bo@gmial.com", "Did you mean bo@gmail.com?"),
        ("Bo,bo@paypаl.com,", "likely-typo", "E-Mail", "bo@paypаl.com", "Did you mean bo@paypal.com?"),
        ("Bo,bó@example.org,", "non-ascii-address", "E-Mail", "bó@example.org", None),
    ],
)
def test_a_mistake_in_a_row_is_named_with_its_place_and_a_way_out(
    read: Read, row: str, code: str, column: str | None, value: str | None, hint: str | None
) -> None:
    people = read(f"Name,E-Mail,Notes\nAna,ana@example.org,x\n{row}\n".encode())
    (problem,) = people.problems
    assert (problem.code, problem.line, problem.column) == (code, 3, column)
    assert problem.file == people.files[0]
    assert value is None or problem.value == value
    assert problem.message
    assert (hint or "") in (problem.hint or "")
    is_error = code in ("bad-address", "several-addresses", "missing-address", "extra-cells")
    assert problem.severity == ("error" if is_error else "warning")
    assert [record.has_error for record in people.records] == [False, is_error]
    assert people.file_errors == ()
    assert len(people.attendees) == 2 - is_error


def test_a_bad_address_is_kept_as_it_was_written(read: Read) -> None:
    (record,) = read("email\nBo Li <bo@example.org>\n").records
    assert record.address == "Bo Li <bo@example.org>"


def test_joiners_that_scripts_need_stay_in_a_name_without_a_word(read: Read) -> None:
    people = read("name,email\nرضا می\u200cخواهم,reza@example.org\n")
    assert people.records[0].name == "رضا می\u200cخواهم"
    assert not people.problems


def test_more_cells_than_headers_are_nothing_where_they_are_blank(read: Read) -> None:
    assert not read("name,email,\nAna,ana@example.org,,, ,\nBo,bo@example.org\n").problems[1:]


SAME = (
    ("ana@example.org", "ana@example.org"),
    ("ana@example.org", " ANA@Example.ORG "),
    ("josé@example.org", "JOSE\u0301@example.org"),
    ("ana@bücher.example", "ana@xn--bcher-kva.example"),
    ("ana@example.org", "ana@example\u200b.org"),
)


def test_a_duplicate_is_shown_as_it_stands_in_the_file(read: Read) -> None:
    people = read("email,note\nana@example.org,x\nAna@EXAMPLE\u200b.org ,y\n\nANA@Example.org,z\n")
    said = [one for one in people.problems if one.code == "duplicate-attendee"]
    assert [(one.line, one.column, one.value) for one in said] == [
        (3, "email", "Ana@EXAMPLE\u200b.org"),
        (5, "email", "ANA@Example.org"),
    ]
    assert [one.message for one in said] == [
        "“Ana@example.org” is already in line 2.",
        "“ANA@example.org” is already in line 2.",
    ]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_another_spelling_of_an_address_is_the_same_attendee(read: Read, first: str, second: str) -> None:
    people = read(f"email\n{first}\nbo@example.org\n{second}\n")
    assert only(people, "duplicate-attendee").line == 4
    assert "line 2" in only(people, "duplicate-attendee").message
    assert [record.has_error for record in people.records] == [False, False, True]


def test_a_duplicate_across_files_names_the_other_file(read: Read) -> None:
    people = read("email\nana@example.org\n", "name,email\nAna,ana@example.org\n")
    problem = only(people, "duplicate-attendee")
    assert (problem.file, problem.line) == (people.files[1], 2)
    assert f"{people.files[0]}, line 2" in problem.message


@pytest.mark.parametrize(
    ("rows", "lines", "wrong"),
    [
        (["1,a@example.org", "2,a@example.org"], [], [False, False]),
        (["1,a@example.org", "1,a@example.org"], [3], [False, True]),
        (["1,a@example.org", "1,b@example.org"], [2, 3], [True, True]),
        (["1,a@example.org", ",a@example.org"], [3], [False, True]),
        ([",a@example.org", "1,a@example.org"], [3], [False, True]),
        (["1,a@example.org", "2,a@example.org", "1,a@example.org"], [4], [False, False, True]),
        (["1,a@example.org", "1,nonsense"], [2, 3], [True, True]),
    ],
)
def test_people_who_share_a_mailbox_are_told_apart_by_an_id(
    read: Read, rows: list[str], lines: list[int], wrong: list[bool]
) -> None:
    people = read("id,email\n" + "\n".join(rows) + "\n")
    assert [problem.line for problem in people.problems if problem.code == "duplicate-attendee"] == lines
    assert [record.has_error for record in people.records] == wrong
    keys = [record.key for record in people.attendees]
    assert len(keys) == len(set(keys))


WITHDRAWN = (
    *(
        "Cancelled",
        "canceled",
        " CANCELLED ",
        "Cancelled by attendee",
        "Refunded (12 April)",
        "not attending",
        "Not_Going",
    ),
    *("Withdrawn", "declined", "Denied", "rejected", "deleted", "No", "no.", "unsubscribed", "can’t attend", "Void"),
)
COMING = (
    "",
    "Attending",
    "approved",
    "pending",
    "Yes",
    "no-show",
    "No show",
    "waitlisted",
    "Tentative",
    "Not cancelled",
)


@pytest.mark.parametrize("header", ["Status", "Attendee Status", "approval_status", "Registration Status", "RSVP"])
def test_who_withdrew_is_found_by_the_status_column(read: Read, header: str) -> None:
    rows = "".join(f"p{at}@example.org,{status}\n" for at, status in enumerate((*WITHDRAWN, *COMING)))
    people = read(f"email,{header}\n{rows}")
    assert [record.withdrawn for record in people.records] == [
        *(status.strip() for status in WITHDRAWN),
        *(None for _ in COMING),
    ]
    assert found(people) == [("withdrawn", at) for at in range(2, 2 + len(WITHDRAWN))]
    assert people.attendees_count == sum(people.groups().values()) == len(COMING)
    assert {problem.column for problem in people.problems} == {header}


def test_other_faults_of_who_withdrew_block_nobody(read: Read) -> None:
    people = read("email,status,name\nana@@example.org,cancelled,A\u202ena\n,cancelled,\nana@example.org,yes,Ana\n")
    assert found(people) == [("withdrawn", 2), ("withdrawn", 3)]
    assert not any(record.has_error for record in people.records)
    assert len({record.key for record in people.records}) == 3


@pytest.mark.parametrize("rows", [("cancelled", "yes"), ("yes", "cancelled")])
def test_who_cancelled_one_registration_and_kept_another_is_coming(read: Read, rows: tuple[str, str]) -> None:
    people = read("email,status\n" + "".join(f"ana@example.org,{status}\n" for status in rows))
    assert [problem.code for problem in people.problems] == ["withdrawn"]
    assert f"line {2 + rows.index('yes')}" in people.problems[0].message
    assert len(people.attendees) == 1
    assert people.withdrawn == ()
    twice = read("email,status\n" + "ana@example.org,cancelled\n" * 2)
    assert found(twice) == [("withdrawn", 2), ("withdrawn", 3)]
    assert twice.attendees == ()
    assert len(twice.withdrawn) == 2


def test_a_row_that_may_be_shifted_is_not_read_as_a_withdrawal(read: Read) -> None:
    people = read("name,email,status,note\nLi, Bo,bo@example.org,no,yes\n")
    assert found(people) == [("extra-cells", 2)]
    assert people.records[0].has_error


def test_problems_come_in_the_order_of_the_files_and_their_lines(read: Read) -> None:
    people = read("id,email\n1,a@example.org\n2,b@@example.org\n1,c@example.org\n", "email,\nx\n")
    assert [(problem.file == people.files[0], problem.line) for problem in people.problems] == [
        (True, 2), (True, 3), (True, 4), (False, 1), (False, 2),
    ]  # fmt: skip


def test_reading_leaves_the_garbage_collector_as_it_was(read: Read) -> None:
    assert gc.isenabled()
    read("email\nana@example.org\n")
    assert gc.isenabled()
    gc.disable()
    try:
        read("email\nana@example.org\n")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_records_share_their_columns(read: Read) -> None:
    people = read("email\n" + "".join(f"p{at}@example.org\n" for at in range(3)))
    assert len({id(record.columns) for record in people.records}) == 1

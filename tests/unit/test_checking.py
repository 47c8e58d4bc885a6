"""A long list is checked by its kinds, and what is found is what looking at every message finds."""

import json
from pathlib import Path

import pytest

from tui import checking, data
from tui.cli import main
from tui.errors import InputError, LeakError, LedgerError, Problem
from tui.folder import open_folder

WORDING = """\
subject: Come

Dear {{ name }}, {{ town }}, {{ note | default("") }}
{% if event.join_url %}
{{ event.join_url }}
{% endif %}
"""
ROWS = [
    "Ana,ana@example.org,Leeds,nothing,required",
    "Bo,bo@example.org,,nothing,optional",
    "Cy,cy@example.org,Leeds,ask ana@example.org,required",
    "Di,di@example.org,Leeds,write to di@example.org or stranger@example.com,optional",
    ",ed@example.org,Leeds,nothing,optional",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    event = (data.samples() / "event.toml").read_text(encoding="utf-8")
    (tmp_path / "event.toml").write_text(
        event.replace('["Role", "Section"]', '["Role"]').replace('"Audience"', '"Town"'), encoding="utf-8"
    )
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "invitation.md").write_text(WORDING, encoding="utf-8")
    plain = [f"Person {number},p{number}@example.org,Leeds,nothing,required" for number in range(400)]
    text = "\n".join(["Name,Email,Town,Note,Role", *plain, *ROWS]) + "\n"
    (tmp_path / "attendees.csv").write_text(text, encoding="utf-8")
    return tmp_path


def _found(folder: Path) -> list[tuple[str, int | None, str | None]]:
    problems: tuple[Problem, ...] = open_folder([str(folder / "attendees.csv")], environment={}).problems
    return [(problem.code, problem.line, problem.column) for problem in problems]


def test_kind_by_kind_finds_what_one_by_one_finds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_by_one = _found(folder)
    assert one_by_one == [
        ("missing-value", 403, "Town"),
        ("leak", 404, None),
        ("leak", 404, None),
        ("missing-value", 406, "Name"),
    ]
    monkeypatch.setattr(checking, "EVERYBODY", 0)
    assert sorted(_found(folder), key=str) == sorted(one_by_one, key=str)


def test_somebodys_address_in_the_wording_is_found_in_a_long_list(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "templates" / "invitation.md").write_text("subject: Come\n\nAsk P399@Example.org.\n", encoding="utf-8")
    monkeypatch.setattr(checking, "EVERYBODY", 0)
    assert {code for code, _, _ in _found(folder)} == {"leak"}


@pytest.mark.parametrize("everybody", [0, 5_000])
def test_a_look_at_one_message_finds_who_else_is_named_in_it_in_a_long_list_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, everybody: int
) -> None:
    monkeypatch.setattr(checking, "EVERYBODY", everybody)
    opened = open_folder([str(folder / "attendees.csv")], environment={})
    by_name = {one.name: one for one in opened.attendees.records}
    assert opened.view(by_name["Person 7"]).address == "p7@example.org"
    with pytest.raises(LeakError):
        opened.view(by_name["Cy"])
    with pytest.raises(InputError, match="Town"):
        opened.view(by_name["Bo"])


def test_an_organizer_with_a_tag_or_on_the_list_is_warned_about(folder: Path) -> None:
    event = folder / "event.toml"
    text = event.read_text(encoding="utf-8")
    assert "consultations@department.example" in text
    event.write_text(text.replace("consultations@department.example", "P7+answers@example.org"), encoding="utf-8")
    with (folder / "attendees.csv").open("a", encoding="utf-8") as attendees:
        attendees.write("Organiser,p7+ANSWERS@example.org,Leeds,nothing,required\n")
    found = open_folder([str(folder / "attendees.csv")], environment={}).problems
    warned = [(problem.code, problem.file, problem.line) for problem in found if problem.code.startswith("organizer-")]
    assert warned == [("organizer-tag", "event.toml", None), ("organizer-invited", str(folder / "attendees.csv"), 407)]
    assert {problem.severity for problem in found if problem.code.startswith("organizer-")} == {"warning"}
    (tag,) = [problem for problem in found if problem.code == "organizer-tag"]
    assert "P7@example.org" in (tag.hint or "")


def test_a_message_that_gmail_would_clip_is_an_error_of_its_row(folder: Path) -> None:
    with (folder / "attendees.csv").open("a", encoding="utf-8") as attendees:
        attendees.write(f'Fay,fay@example.org,Leeds,"{"é, " * 35_000}",required\n')
    found = open_folder([str(folder / "attendees.csv")], environment={}).problems
    ((line, message),) = [(problem.line, problem.message) for problem in found if problem.code == "bad-template"]
    assert line == 407
    assert "Fay" in message and "kB of HTML" in message


@pytest.mark.parametrize(
    ("rows", "is_offered"),
    [(["Ana,ana@example.org,,nothing,x"], False), (["Bo,bo@example.org,,nothing,x", ROWS[0]], True)],
)
def test_leaving_rows_out_is_offered_only_where_somebody_would_be_left(
    folder: Path, rows: list[str], is_offered: bool
) -> None:
    (folder / "attendees.csv").write_text("\n".join(["Name,Email,Town,Note,Role", *rows]))
    refusal = open_folder([str(folder / "attendees.csv")], environment={}).refusal()
    assert refusal is not None and ("--skip-errors" in (refusal.hint or "")) == is_offered


def test_leaving_rows_out_is_not_offered_against_a_cancelled_meetings_link(folder: Path) -> None:
    (folder / "attendees.csv").write_text(
        "\n".join(["Name,Email,Town,Note,Role", ROWS[0], "Bo,bo@example.org,Leeds,,x"])
    )
    opened = open_folder([str(folder / "attendees.csv")], environment={})
    assert opened.event and not opened.errors
    with opened.ledger_to_write() as ledger:
        ledger.adopt([], "", [], [opened.event.join_url])
    refusal = open_folder([str(folder / "attendees.csv")], environment={}).refusal()
    assert refusal is not None and refusal.hint == (
        "Make a new meeting and put its link into the event file, or into the join_url column."
    )


def test_the_hint_is_that_of_what_cannot_be_left_out(folder: Path) -> None:
    refusal = open_folder([str(folder / "attendees.csv")], environment={}).refusal(skip_errors=True)
    assert refusal is not None and refusal.hint == "Take it out of the wording, the event or the attachment."


@pytest.mark.parametrize("command", ["check", "preview"])
def test_who_only_looks_is_told_that_the_record_of_what_went_out_is_missing(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "attendees.csv").write_text("\n".join(["Name,Email,Town,Note,Role", ROWS[0]]))
    words = [command, str(folder / "attendees.csv"), "--json"]
    assert main(words) == 0 and "caution" not in capsys.readouterr().err
    (folder / "event.ledger.sent").write_text("ledger = event.ledger.db\nid = 1\nattempts = 3\n")
    assert main(words) == 0
    said = capsys.readouterr()
    assert "caution: Messages of this event went out, and the record of them is missing" in said.err
    assert json.loads(said.out)


def test_a_folder_is_no_ledger_and_is_called_by_its_name(folder: Path) -> None:
    with pytest.raises(LedgerError, match=r"The ledger \S+ cannot be used: it is a folder") as refused:
        open_folder([str(folder / "attendees.csv")], ledger=str(folder), environment={})
    assert refused.value.hint == f"Name a file: {folder / 'event.ledger.db'}"

"""A long list is checked by its kinds, and what is found is what looking at every message finds."""

from pathlib import Path

import pytest

from tui import checking, data
from tui.errors import InputError, LeakError, Problem
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

"""Messages that were made before the organiser was asked go out after it: they are not all made a second time."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.servers.recording import RecordingServer
from tui import data, mailing
from tui.folder import Choices, Folder
from tui.guard.hashes import Marks


@pytest.fixture
def opened(tmp_path: Path, server: RecordingServer) -> Folder:
    shutil.copy(data.samples() / "event.toml", tmp_path)
    rows = [f"Guest {number},guest{number}@example.org" for number in range(4)]
    (tmp_path / "people.csv").write_text("\n".join(["Name,Email", *rows]), "utf-8")
    said = {"HOST": "127.0.0.1", "PORT": str(server.port), "SECURITY": "none"}
    environment = {f"INVITE_TUI_SMTP_{name}": value for name, value in said.items()}
    return Folder(Choices(files=(str(tmp_path / "people.csv"),)), environment)


def message_ids(made: mailing.Mailing) -> list[str]:
    return [letter.revision.message_id for letter in made.letters]


def sent(opened: Folder, server: RecordingServer, intended: Any) -> list[str]:
    """The Message-IDs that the server has got by this send."""
    before = len(server.messages)
    for step in opened.send(intended, control=mailing.Control()):
        assert isinstance(step, mailing.Settled) and step.outcome == "accepted"
    return [
        line.split(b": ", 1)[1].decode()
        for message in server.messages[before:]
        for line in message.data.replace(b"\r\n ", b" ").split(b"\r\n")
        if line.lower().startswith(b"message-id: ")
    ]


def test_what_was_made_before_the_question_is_what_is_sent(opened: Folder, server: RecordingServer) -> None:
    plan = opened.plan()
    made = opened.prepare(plan)
    assert sent(opened, server, plan) == message_ids(made) and len(set(message_ids(made))) == 4


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A mark of each message that the guard has judged, and of none that it knew."""
    found: list[bytes] = []
    add = Marks.add

    def noted(marks: Marks, mark: bytes) -> None:
        found.append(mark)
        add(marks, mark)

    monkeypatch.setattr(Marks, "add", noted)
    return found


def test_what_the_check_has_looked_at_is_not_judged_again_when_it_is_made_to_be_sent(
    opened: Folder, judged: list[bytes]
) -> None:
    plan = opened.plan()
    assert len(judged) == 4
    made = opened.prepare(plan)
    assert len(judged) == 4
    again = opened.prepare(plan)  # what was made once may have gone out
    assert len(judged) == 8 and not set(message_ids(again)) & set(message_ids(made))


def test_what_the_check_looked_at_long_ago_is_made_anew(
    opened: Folder, judged: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = opened.plan()
    monkeypatch.setattr("tui.folder.sending.PREPARED_FOR", 0.0)
    opened.prepare(plan)
    assert len(judged) == 8


def test_another_plan_is_made_anew(opened: Folder, server: RecordingServer) -> None:
    made = opened.prepare(opened.plan())
    assert not set(sent(opened, server, opened.plan())) & set(message_ids(made))


def test_after_a_long_silence_the_messages_are_made_anew(
    opened: Folder, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = opened.plan()
    made = opened.prepare(plan)
    monkeypatch.setattr("tui.folder.sending.PREPARED_FOR", 0.0)
    assert not set(sent(opened, server, plan)) & set(message_ids(made))


def test_nothing_that_was_made_is_sent_twice(opened: Folder, server: RecordingServer) -> None:
    plan = opened.plan()
    opened.prepare(plan)
    first = sent(opened, server, plan)
    again = opened.plan_resend(["guest1@example.org"])
    opened.prepare(again)
    assert not set(sent(opened, server, again)) & set(first)
    assert opened._prepared is None

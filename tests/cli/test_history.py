"""Everything that a person was ever sent: what changed, the server's words, the digest of the bytes, and the bytes."""

import hashlib
import sqlite3
from contextlib import closing

from tests.cli.conftest import Desk
from tests.servers.recording import RecordingServer

_TWO = "Name,Email\nAna Ruiz,ana@example.org\nBo Li,bo@example.org\n"


def prepare(live: tuple[Desk, RecordingServer], keep: str = "") -> tuple[Desk, RecordingServer]:
    desk, server = live
    desk.write("attendees.csv", _TWO)
    text = (desk.path / "event.toml").read_text(encoding="utf-8")
    desk.write("event.toml", text.partition("[columns]")[0] + keep)
    desk.json("send", "attendees.csv", "--confirm", "2")
    return desk, server


def test_the_history_says_what_changed_from_what_to_what(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = prepare(live)
    desk.change("event.toml", '"Microsoft Teams"', '"Room 4"')
    desk.json("send", "attendees.csv", "--confirm", "2")
    desk.json("cancel", "ana@example.org", "--confirm", "1")
    first, update, cancelled = desk.json("status")["attendees"][0]["history"]
    assert [entry["action"] for entry in (first, update, cancelled)] == ["invite", "update", "cancel"]
    assert update["changes"] == [{"what": "Place", "old": "Microsoft Teams", "new": "Room 4"}]
    assert first["changes"] == cancelled["changes"] == []
    assert first["uid"] == update["uid"] == cancelled["uid"] and not first["kept"]
    assert [entry["sequence"] for entry in (first, update, cancelled)] == [0, 1, 2]
    assert all(entry["reply"].startswith("250") and entry["at"] for entry in (first, update, cancelled))
    to_ana = [message.data for message in server.messages if message.rcpt_tos == ("ana@example.org",)]
    assert [entry["digest"] for entry in (first, update, cancelled)] == [
        hashlib.sha256(data).hexdigest() for data in to_ana
    ]


def test_messages_are_kept_to_the_byte_where_the_event_file_says_so(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = prepare(live, "[sending]\nkeep = true\n")
    assert all(entry["kept"] for person in desk.json("status")["attendees"] for entry in person["history"])
    said = desk.run("status", "--save", "kept")
    assert "2 message(s) that were kept are in kept." in said.stderr
    files = sorted((desk.path / "kept").iterdir())
    assert [path.name for path in files] == ["0001-ana@example.org.eml", "0002-bo@example.org.eml"]
    assert [path.read_bytes() for path in files] == [message.data for message in server.messages]


def test_nothing_is_kept_where_it_does_not(live: tuple[Desk, RecordingServer]) -> None:
    desk, _ = prepare(live)
    assert "0 message(s)" in desk.run("status", "--save", "kept").stderr


def test_a_kept_message_that_was_changed_is_not_given_out(live: tuple[Desk, RecordingServer]) -> None:
    desk, _ = prepare(live, "[sending]\nkeep = true\n")
    with closing(sqlite3.connect(desk.path / "event.ledger.db")) as db:
        db.execute("UPDATE kept SET message = x'00' WHERE attempt = 2")
        db.commit()
    refused = desk.run("status", "--save", "kept", code=6)
    assert "the message to bo@example.org that it kept is damaged" in refused.stderr


def test_keep_is_true_or_false(desk: Desk) -> None:
    desk.change("event.toml", "[columns]", "[sending]\nkeep = 1\n\n[columns]")
    (problem,) = [one for one in desk.json("check", "attendees.csv", code=1)["problems"] if one["severity"] == "error"]
    assert (problem["code"], problem["message"]) == ("bad-event", "[sending] keep must be true or false.")
    assert problem["line"]

"""Corrections and cancellations as an organiser asks for them, and what the server and the ledger make of it."""

import re
from email import message_from_bytes, policy
from functools import partial

import pytest

from tests.cli.conftest import Desk
from tests.servers.recording import Message, RecordingServer

_FIVE = "Name,Email,Room\nAna Ruiz,ana@example.org,4\nBo Li,bo@example.org,4\nCai Wu,cai@example.org,5\n"


def _sent(live: tuple[Desk, RecordingServer]) -> tuple[Desk, RecordingServer]:
    desk, server = live
    desk.write("attendees.csv", _FIVE)
    desk.json("send", "attendees.csv", "--confirm", "3")
    return desk, server


def part(message: Message, kind: str = "text/plain") -> str:
    for found in message_from_bytes(message.data, policy=policy.default).walk():
        if found.get_content_type() == kind and not found.is_attachment():
            return str(found.get_content()).replace("\r\n ", "")
    raise AssertionError(f"no {kind}")


def calendar(message: Message) -> str:
    return part(message, "text/calendar")


def test_a_corrected_address_is_cancelled_invited_and_remembered(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = _sent(live)
    made = desk.json("resend", "ana@example.org", "--to", "ana@example.net", "--confirm", "2")
    assert [(m["action"], m["address"], m["outcome"]) for m in made["messages"]] == [
        ("cancel", "ana@example.org", "accepted"),
        ("invite", "ana@example.net", "accepted"),
    ]
    assert [message.rcpt_tos for message in server.messages[3:]] == [("ana@example.org",), ("ana@example.net",)]
    plan = desk.json("plan", "attendees.csv")
    assert plan["counts"]["none"] == 3 and "ana@example.net" in {action["address"] for action in plan["actions"]}
    assert "ana@example.org" not in {action["address"] for action in plan["actions"]}
    people = {person["address"] for person in desk.json("status")["attendees"]}
    assert people == {"ana@example.net", "bo@example.org", "cai@example.org"}
    preview = desk.json("preview", "attendees.csv", "--to", "ana@example.org")
    assert preview["headers"]["To"].endswith("<ana@example.net>")


def test_a_taken_address_is_refused_before_anything_is_sent(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = _sent(live)
    refused = desk.json("resend", "ana@example.org", "--to", "bo@example.org", "--confirm", "2", code=1)
    assert refused["error"]["code"] == "taken-address" and len(server.messages) == 3


def test_a_corrected_field_is_in_the_message_and_remembered(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = live
    desk.write("templates/invitation.md", "subject: Come\n\nDear {{ name }}, room {{ room }}.\n")
    _sent(live)
    desk.json("resend", "cai@example.org", "--set", "Room=7", "--confirm", "1")
    assert "room 7." in part(server.messages[3])
    assert desk.json("preview", "attendees.csv", "--to", "cai@example.org")["text"].count("room 7.") == 1


def test_cancelling_one_takes_their_entry_back_with_the_note(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = _sent(live)
    desk.json("cancel", "bo@example.org", "--note", "We have run out of chairs.", "--confirm", "1")
    message = server.messages[3]
    assert message.rcpt_tos == ("bo@example.org",) and "We have run out of chairs." in part(message)
    assert "METHOD:CANCEL" in calendar(message) and "STATUS:CANCELLED" in calendar(message)
    assert "SEQUENCE:1" in calendar(message)
    uid = re.compile(r"UID:(\S+)")
    first = next(earlier for earlier in server.messages if earlier.rcpt_tos == ("bo@example.org",))
    assert uid.findall(calendar(message)) == uid.findall(calendar(first))
    assert desk.json("plan", "attendees.csv")["counts"]["invite"] == 0
    anew = desk.json("resend", "bo@example.org", "--confirm", "1")
    assert anew["messages"][0]["action"] == "invite" and anew["messages"][0]["sequence"] == 0


def test_cancelling_everybody_and_inviting_anew_once_the_event_has_changed(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = _sent(live)
    desk.json("cancel", "bo@example.org", "--confirm", "1")
    made = desk.json("cancel", "--all", "--confirm", "2")
    assert made["counts"]["accepted"] == 2
    assert desk.json("send", "attendees.csv", "--confirm", "0")["messages"] == []
    desk.change("event.toml", "2027-05-06T14:00:00", "2027-05-13T14:00:00")
    desk.change("event.toml", "2027-05-06T15:30:00", "2027-05-13T15:30:00")
    anew = desk.json("send", "attendees.csv", "--confirm", "2")
    assert {(m["address"], m["action"]) for m in anew["messages"]} == {
        ("ana@example.org", "invite"),
        ("cai@example.org", "invite"),
    }
    assert server.messages[-1].rcpt_tos != server.messages[-2].rcpt_tos


@pytest.mark.parametrize("before", ["held", "put off"])
def test_who_is_invited_by_name_after_everybody_was_cancelled_is_sent_it_by_the_next_send_where_it_was_put_off(
    live: tuple[Desk, RecordingServer], before: str
) -> None:
    desk, server = live
    desk.write("attendees.csv", _FIVE)
    desk.environment["INVITE_TUI_SMTP_RETRIES"] = "0"
    puts_off = partial(server.say, "RCPT", "450 4.2.0 later", to="ana@example.org")
    if before == "put off":
        puts_off()
    desk.json("send", "attendees.csv", "--confirm", "3", code=3 if before == "put off" else 0)
    desk.json("cancel", "--all", "--confirm", "3" if before == "held" else "2")
    puts_off()
    desk.json("resend", "ana@example.org", "--confirm", "1", code=3)
    server.behave()
    owed = desk.json("plan", "attendees.csv")
    assert {one["address"]: one["action"] for one in owed["actions"] if one["action"] != "none"} == {
        "ana@example.org": "invite"
    }
    desk.json("send", "attendees.csv", "--confirm", "1")
    assert server.messages[-1].rcpt_tos == ("ana@example.org",) and "METHOD:REQUEST" in calendar(server.messages[-1])
    assert desk.json("send", "attendees.csv", "--confirm", "0")["messages"] == []


def test_a_cancellation_of_what_they_hold_says_what_they_hold(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = _sent(live)
    desk.change("event.toml", "2027-05-06T14:00:00", "2027-05-13T14:00:00")
    desk.change("event.toml", "2027-05-06T15:30:00", "2027-05-13T15:30:00")
    desk.json("cancel", "ana@example.org", "--confirm", "1")
    assert "6 May 2027" in part(server.messages[3]) and "13 May" not in part(server.messages[3])
    assert "DTSTART:20270506T130000Z" in calendar(server.messages[3])


def test_a_note_is_not_lost_when_the_server_puts_the_message_off(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = _sent(live)
    desk.environment["INVITE_TUI_SMTP_RETRIES"] = "0"
    server.say("DOT", "450 4.2.0 later", to="bo@example.org")
    desk.json("cancel", "bo@example.org", "--note", "Out of chairs.", "--confirm", "1", code=3)
    server.behave()
    desk.json("send", "attendees.csv", "--confirm", "1")
    assert "Out of chairs." in part(server.messages[-1])


def test_a_wording_for_the_correction_is_not_the_cancellations(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = _sent(live)
    desk.write("templates/sorry.md", "subject: Sorry\n\nWe had your address wrong.\n")
    desk.json("resend", "ana@example.org", "--to", "ana@example.net", "--template", "sorry", "--confirm", "2")
    cancellation, invitation = server.messages[3:]
    assert "had your address wrong" in part(invitation) and "had your address wrong" not in part(cancellation)
    desk.json("cancel", "bo@example.org", "--template", "sorry", "--confirm", "1")
    assert "had your address wrong" in part(server.messages[-1])


def test_who_is_cancelled_has_to_be_said(desk: Desk) -> None:
    assert "Name addresses" in desk.run("cancel", "--confirm", "1", code=2).stderr
    assert "Name addresses" in desk.run("cancel", "a@example.org", "--all", "--confirm", "1", code=2).stderr
    assert "COLUMN=VALUE" in desk.run("resend", "a@example.org", "--set", "Room", "--confirm", "1", code=2).stderr

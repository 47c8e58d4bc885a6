"""The main job, end to end: check, rehearse, send, send again, resend."""

import os
import re
import stat
from base64 import b64decode
from email import message_from_bytes, policy

import pytest

from tests.cli.conftest import SIGKILL, Desk, wait_for
from tests.servers.recording import RecordingServer

Live = tuple[Desk, RecordingServer]


def _but_for_what_is_new(raw: bytes) -> bytes:
    """The message without Date, Message-ID and, inside the calendar object, DTSTAMP."""
    raw = re.sub(rb"(?m)^(Date|Message-ID): .*\r\n", b"", raw)
    calendars = re.findall(
        rb"(?:text/calendar|application/ics)[^\r]*\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--", raw, re.DOTALL
    )
    assert len(calendars) == 2
    for encoded in set(calendars):
        raw = raw.replace(encoded, re.sub(rb"DTSTAMP:\d{8}T\d{6}Z", b"", b64decode(encoded)))
    return raw


def test_fifty_five_people_get_one_message_each(live: Live) -> None:
    desk, server = live
    document = desk.json_apart("send", "attendees.csv", "--confirm", "55")
    assert document["dry_run"] is False
    assert document["counts"] == {"accepted": 55, "refused": 0, "deferred": 0, "unknown": 0, "unsent": 0}
    assert len(document["messages"]) == 55
    assert all(len(message.rcpt_tos) == 1 for message in server.messages)
    assert len({message.rcpt_tos for message in server.messages}) == 55
    assert {message.rcpt_tos[0] for message in server.messages} == {m["address"] for m in document["messages"]}
    assert all(message.tls and message.user == server.username for message in server.messages)


def test_a_second_send_sends_nothing(live: Live) -> None:
    desk, server = live
    desk.json_apart("send", "attendees.csv", "--confirm", "55")
    again = desk.json("send", "attendees.csv", "--confirm", "0")
    assert again["messages"] == []
    assert desk.json("plan", "attendees.csv")["counts"]["none"] == 55
    assert len(server.messages) == 55


def test_what_was_rehearsed_is_what_is_sent(live: Live) -> None:
    desk, server = live
    rehearsed = desk.json("send", "attendees.csv", "--dry-run")
    assert rehearsed["dry_run"] is True
    assert server.connections == 0
    files = sorted((desk.path / "outbox").iterdir())
    assert len(files) == 55
    assert files[0].name == "0001-ana@example.org.eml"
    assert not (desk.path / "event.ledger.db").exists()
    sent = desk.json("send", "attendees.csv", "--approve", rehearsed["digest"])
    assert sent["digest"] == rehearsed["digest"]
    assert [m["uid"] for m in sent["messages"]] == [m["uid"] for m in rehearsed["messages"]]
    for file, message in zip(files, server.messages, strict=True):
        assert _but_for_what_is_new(file.read_bytes()) == _but_for_what_is_new(message.data)


def test_without_an_account_a_send_is_a_rehearsal_and_says_so(desk: Desk) -> None:
    done = desk.run("send", "attendees.csv")
    assert "rehearsal" in done.stderr
    assert "Nothing was sent" in done.stdout
    assert len(list((desk.path / "outbox").iterdir())) == 55


def test_a_rehearsal_replaces_the_one_before(desk: Desk) -> None:
    desk.run("send", "attendees.csv")
    (desk.path / "outbox" / "mine.txt").write_text("not a rehearsal's", encoding="utf-8")
    desk.run("send", "attendees.csv", "--only", "ana@example.org")
    assert sorted(file.name for file in (desk.path / "outbox").iterdir()) == ["0001-ana@example.org.eml", "mine.txt"]


@pytest.mark.parametrize("number", ["54", "56", "0"])
def test_another_number_sends_nothing(live: Live, number: str) -> None:
    desk, server = live
    refused = desk.json("send", "attendees.csv", "--confirm", number, code=1)
    assert refused["error"]["code"] == "confirmation"
    assert server.connections == 0


def test_no_number_and_no_terminal_is_wrong_usage(live: Live) -> None:
    desk, server = live
    done = desk.run("send", "attendees.csv", code=2)
    assert "--confirm 55" in done.stderr
    assert server.connections == 0


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("event.toml", "Microsoft Teams", "Room 4"),
        ("attendees.csv", "Ana Ruiz", "Ana Ruiz Soto"),
        ("templates/invitation.md", "", ""),
    ],
)
def test_an_approved_plan_is_void_once_anything_has_changed(live: Live, file: str, old: str, new: str) -> None:
    desk, server = live
    digest = desk.json("plan", "attendees.csv")["digest"]
    if old:
        desk.change(file, old, new)
    else:
        desk.write(file, "subject: Come\n\nDear {{ name }}, please come.\n")
    refused = desk.json("send", "attendees.csv", "--approve", digest, code=1)
    assert refused["error"]["code"] == "confirmation"
    assert server.connections == 0


def test_only_these_people(live: Live) -> None:
    desk, server = live
    document = desk.json("send", "attendees.csv", "--only", "ANA@example.org", "--confirm", "1")
    assert [message["address"] for message in document["messages"]] == ["ana@example.org"]
    assert [message.rcpt_tos for message in server.messages] == [("ana@example.org",)]
    refused = desk.json("send", "attendees.csv", "--only", "nobody@example.org", "--confirm", "1", code=1)
    assert "nobody@example.org" in refused["error"]["message"]


def test_a_row_with_an_error_blocks_everybody_unless_it_is_left_out(live: Live) -> None:
    desk, server = live
    desk.change("attendees.csv", "ana@example.org", "ana@@example.org")
    refused = desk.json("send", "attendees.csv", "--confirm", "54", code=1)
    assert [problem["code"] for problem in refused["problems"]] == ["bad-address"]
    assert server.connections == 0
    document = desk.json("send", "attendees.csv", "--confirm", "54", "--skip-errors")
    assert document["counts"]["accepted"] == 54
    problems = (desk.path / "problems.csv").read_text(encoding="utf-8-sig")
    assert os.name != "posix" or stat.S_IMODE((desk.path / "problems.csv").stat().st_mode) & 0o077 == 0
    assert "ana@@example.org" in problems
    assert "Ana Ruiz" in problems


def test_status_lists_everybody_tried_or_not(live: Live) -> None:
    desk, server = live
    server.say("RCPT", "550 5.1.1 No such user", to="ana@example.org")
    server.say("MAIL", "535 5.7.8 Login withdrawn", after=9)
    done = desk.json("send", "attendees.csv", "--confirm", "55", code=4)
    assert done["error"]["code"] == "account"
    status = desk.json("status")
    assert len(status["attendees"]) == 55
    assert status["counts"] == done["counts"]
    assert status["counts"]["refused"] == 1
    assert status["counts"]["accepted"] == 8
    assert status["counts"]["unsent"] == 46
    ana = status["attendees"][0]
    assert (ana["outcome"], ana["response"], ana["bounced"]) == ("refused", "none", False)
    assert "No such user" in ana["history"][0]["reply"]
    server.behave()
    again = desk.json("send", "attendees.csv", "--confirm", "46")
    assert again["counts"]["accepted"] == 46


def test_refused_is_final_until_resend_asks(live: Live) -> None:
    desk, server = live
    server.say("RCPT", "550 5.1.1 No such user", to="ana@example.org")
    assert desk.json("send", "attendees.csv", "--confirm", "55", code=3)["counts"]["refused"] == 1
    server.behave()
    done = desk.run("send", "attendees.csv", "--confirm", "0")
    assert "ana@example.org" in done.stderr
    assert "refused" in done.stderr
    assert len(server.messages) == 54
    assert desk.json("resend", "ana@example.org", "--confirm", "1")["counts"]["accepted"] == 1
    assert server.messages[-1].rcpt_tos == ("ana@example.org",)


def test_deferred_is_tried_again_within_the_run_and_by_the_next(live: Live) -> None:
    desk, server = live
    server.say("RCPT", "450 4.2.1 Try later", to="ana@example.org", times=5)
    done = desk.json("send", "attendees.csv", "--confirm", "55", code=3)
    ana = done["messages"][0]
    assert (ana["address"], ana["outcome"], ana["attempts"]) == ("ana@example.org", "deferred", 4)
    again = desk.json("send", "attendees.csv", "--confirm", "1")
    assert again["counts"]["accepted"] == 1
    assert again["messages"][0]["message_id"] == ana["message_id"], "a retry is the same message"
    assert len(server.messages) == 55


def test_unknown_is_left_for_the_organiser_to_decide(live: Live) -> None:
    desk, server = live
    server.drop("STORED", times=1)
    done = desk.json("send", "attendees.csv", "--confirm", "55", code=3)
    assert done["counts"] == {"accepted": 54, "refused": 0, "deferred": 0, "unknown": 1, "unsent": 0}
    plan = desk.json("plan", "attendees.csv")
    assert plan["counts"]["unknown"] == 1
    assert plan["counts"]["invite"] == 0
    left = desk.run("send", "attendees.csv", "--confirm", "0")
    assert "not known" in left.stderr
    assert len(server.messages) == 55


def test_resend_is_the_same_entry_with_a_later_stamp(live: Live) -> None:
    desk, server = live
    first = desk.json("send", "attendees.csv", "--only", "ana@example.org", "--confirm", "1")["messages"][0]
    again = desk.json("resend", "ana@example.org", "--confirm", "1", "--note", "As you asked.")["messages"][0]
    assert (again["uid"], again["sequence"]) == (first["uid"], first["sequence"])
    assert again["message_id"] != first["message_id"]
    messages = [message_from_bytes(message.data, policy=policy.SMTP) for message in server.messages]
    assert messages[1]["In-Reply-To"] == first["message_id"]
    stamps = [re.search(r"DTSTAMP:(\S+)", part.get_content()) for m in messages for part in m.walk()
              if part.get_content_type() == "text/calendar"]  # fmt: skip
    assert stamps[0]
    assert stamps[1]
    assert stamps[1].group(1) > stamps[0].group(1)
    assert "As you asked." in messages[1].get_body(("plain",)).get_content()  # type: ignore[union-attr]  # it has one
    assert desk.json("plan", "attendees.csv")["counts"]["invite"] == 54


def test_resend_to_a_stranger_is_refused(live: Live) -> None:
    desk, _ = live
    assert desk.json("resend", "eve@example.org", "--confirm", "1", code=1)["error"]["code"] == "unknown-address"


def test_a_changed_time_is_an_update_for_those_who_hold_the_old_one(live: Live) -> None:
    desk, server = live
    desk.json("send", "attendees.csv", "--only", "ana@example.org", "--confirm", "1")
    desk.change("event.toml", "2027-05-06T14:00:00", "2027-05-06T14:15:00")
    plan = desk.json("plan", "attendees.csv")
    assert (plan["counts"]["update"], plan["counts"]["invite"]) == (1, 54)
    done = desk.json("send", "attendees.csv", "--confirm", "55")
    update = next(message for message in done["messages"] if message["action"] == "update")
    assert update["sequence"] == 1
    body = message_from_bytes(server.messages[1].data, policy=policy.SMTP).get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "14:00 to 15:30" in text
    assert "14:15 to 15:30" in text


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("connections", ["1", "4"])
def test_killed_half_way_and_run_again_everybody_has_one(live: Live, connections: str) -> None:
    desk, server = live
    desk.environment["INVITE_TUI_SMTP_CONNECTIONS"] = connections
    process = desk.start("send", "attendees.csv", "--confirm", "55")
    wait_for(lambda: len(server.messages) >= 20)
    process.send_signal(SIGKILL)
    process.wait()
    plan = desk.json("plan", "attendees.csv")
    assert plan["counts"]["unknown"] <= int(connections)
    rest = desk.json("send", "attendees.csv", "--confirm", str(plan["counts"]["invite"]))
    assert rest["counts"]["accepted"] == plan["counts"]["invite"]
    recipients = [message.rcpt_tos[0] for message in server.messages]
    assert len(recipients) == len(set(recipients)), "nobody is sent the same version twice"
    status = {person["address"]: person["outcome"] for person in desk.json("status")["attendees"]}
    assert set(status.values()) <= {"accepted", "unknown"}
    assert len(status) == 55
    assert {address for address, outcome in status.items() if outcome == "accepted"} <= set(recipients)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_the_ledger_and_the_outbox_are_for_their_owner_alone(live: Live) -> None:
    desk, _ = live
    desk.run("send", "attendees.csv", "--dry-run")
    desk.run("send", "attendees.csv", "--confirm", "55")
    for name in ("event.ledger.db", "outbox", "outbox/0001-ana@example.org.eml"):
        assert stat.S_IMODE((desk.path / name).stat().st_mode) & 0o077 == 0, name


def test_the_ledger_of_another_event_is_not_written_to(live: Live) -> None:
    desk, server = live
    desk.run("send", "attendees.csv", "--confirm", "55")
    text = (desk.path / "event.toml").read_text(encoding="utf-8")
    desk.write("event.toml", re.sub(r"(?m)^uid\s*=.*$", 'uid = "0123456789abcdef0123456789abcdef"', text))
    assert desk.json("plan", "attendees.csv", code=1)["error"]["code"] == "other-event"
    assert len(server.messages) == 55

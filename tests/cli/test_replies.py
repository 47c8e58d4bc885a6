"""`replies`: what came back, from files, as an organiser and their scripts see it."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Desk
from tests.cli.test_corrections import part
from tests.replies import mails
from tests.servers.recording import RecordingServer

_PEOPLE = {
    "ana": "Ana Ruiz",
    "bo": "Bo Li",
    "cara": "Cara Diaz",
    "dev": "Dev Rao",
    "eve": "Eve Hall",
    "finn": "Finn Berg",
}


@dataclass
class Sent:
    """An event that six people were invited to; `uids` and `ids` by their address."""

    desk: Desk
    server: RecordingServer
    uids: dict[str, str]
    ids: dict[str, str]
    headers: dict[str, str]

    def put(self, *raw: bytes) -> list[str]:
        """The arguments that have `replies` read these mails."""
        folder = self.desk.path / "inbox"
        folder.mkdir(exist_ok=True)
        for one in raw:
            (folder / f"{len([*folder.iterdir()]):03}.eml").write_bytes(one)
        return ["--mailbox", str(folder)]

    def read(self, *raw: bytes) -> Any:
        return self.desk.json("replies", *self.put(*raw))

    def of(self, name: str) -> Any:
        address = f"{name}@example.org"
        (found,) = [one for one in self.desk.json("status")["attendees"] if one["key"] == address]
        return found


@pytest.fixture
def sent(live: tuple[Desk, RecordingServer]) -> Sent:
    desk, server = live
    rows = "".join(f"{name},{short}@example.org\n" for short, name in _PEOPLE.items())
    desk.write("attendees.csv", "Name,Email\n" + rows)
    text = (desk.path / "event.toml").read_text(encoding="utf-8")
    desk.write("event.toml", text.partition("[columns]")[0])
    done = desk.json("send", "attendees.csv", "--confirm", str(len(_PEOPLE)))
    uids = {one["address"]: one["uid"] for one in done["messages"]}
    ids = {one["address"]: one["message_id"] for one in done["messages"]}
    read = [message_from_bytes(one.data, policy=policy.default) for one in server.messages]
    headers = {
        str(one["To"].addresses[0].addr_spec): "".join(
            f"{name}: {one[name]}\n" for name in ("Message-ID", "X-Invite-Tui-Ref")
        )
        for one in read
    }
    return Sent(desk, server, uids, ids, headers)


def test_answers_of_every_program_reach_replies_and_status(sent: Sent) -> None:
    u = sent.uids
    found = sent.read(
        mails.by_google(u["ana@example.org"], "ana@example.org"),
        mails.by_outlook(u["bo@example.org"], "bo@example.org", "DECLINED", note="Sorry, I am away that week."),
        mails.by_apple(u["cara@example.org"], "cara@example.org", "TENTATIVE"),
        mails.a_counter(u["dev@example.org"], "dev@example.org"),
    )
    assert (found["read"], found["unmatched"]) == (4, 0)
    said = {one["address"]: one for one in found["responses"]}
    assert {who: one["response"] for who, one in said.items()} == {
        "ana@example.org": "accepted",
        "bo@example.org": "declined",
        "cara@example.org": "tentative",
        "dev@example.org": "countered",
    }
    assert all(one["verified"] and one["current"] for one in said.values())
    assert said["bo@example.org"]["comment"] == "Sorry, I am away that week."
    assert said["dev@example.org"]["proposed"] == {
        "start": "2027-05-06T15:00:00+01:00",
        "end": "2027-05-06T16:30:00+01:00",
    }
    assert said["ana@example.org"]["proposed"] is None
    status = {one["key"]: one["response"] for one in sent.desk.json("status")["attendees"]}
    assert status == {
        "ana@example.org": "accepted",
        "bo@example.org": "declined",
        "cara@example.org": "tentative",
        "dev@example.org": "tentative",
        "eve@example.org": "none",
        "finn@example.org": "none",
    }
    shown = sent.desk.run("status").stdout
    assert "2 tentative, 2 no reply seen, 1 accepted, 1 declined." in shown
    assert f"  no reply seen  {'█' * 40} 2\n" in shown and f"  accepted       {'█' * 20} 1\n" in shown


def test_reading_the_same_mail_twice_changes_nothing(sent: Sent, tmp_path: Path) -> None:
    raw = mails.by_google(sent.uids["ana@example.org"], "ana@example.org")
    ask = mails.a_mail(
        "bo@example.org", "Please use bo@home.example.", in_reply_to=sent.ids["bo@example.org"]
    ).as_bytes()
    first = sent.read(raw, ask)
    again = sent.desk.json("replies", *sent.put())
    box = tmp_path / "export.mbox"
    box.write_bytes(
        b"".join(b"From - Fri Apr  2 10:15:00 2027\n" + one.replace(b"\r\n", b"\n") + b"\n" for one in (raw, ask))
    )
    third = sent.desk.json("replies", "--mailbox", str(box))
    assert (first["read"], again["read"], third["read"]) == (2, 0, 0)
    assert first | {"read": 0} == again == third


def test_what_somebody_else_sends_in_their_name_waits_for_the_organiser(sent: Sent) -> None:
    calendar = mails.a_reply(sent.uids["ana@example.org"], "ana@example.org", "DECLINED")
    mail = mails.a_mail("mallory@elsewhere.example", "")
    mail.add_attachment(calendar.encode(), maintype="text", subtype="calendar", filename="reply.ics")
    (found,) = sent.read(mail.as_bytes())["responses"]
    assert (found["verified"], found["response"]) == (False, "declined")
    assert sent.of("ana")["response"] == "none"
    assert "Not verified" in sent.desk.run("replies", *sent.put()).stdout
    sent.desk.json("replies", "--accept", "ana@example.org")
    assert sent.of("ana")["response"] == "declined"
    assert sent.desk.json("replies", "--accept", "ana@example.org", code=1)["error"]["code"] == "unknown-address"


def test_of_several_who_answer_in_their_name_none_hides_another_and_the_organiser_names_one(sent: Sent) -> None:
    ana, uid = "ana@example.org", sent.uids["ana@example.org"]
    theirs = [
        mails.by_google(uid, ana, status).replace(f"<{ana}>".encode(), f"<{who}>".encode())
        for who, status in (("assistant@example.org", "ACCEPTED"), ("mallory@x.example", "DECLINED"))
    ]
    found = sent.read(*theirs)["responses"]
    assert {(one["sender"], one["response"]) for one in found} == {
        ("assistant@example.org", "accepted"),
        ("mallory@x.example", "declined"),
    }
    refused = sent.desk.json("replies", "--accept", ana, code=1)["error"]
    assert refused["code"] == "several-answers" and "assistant@example.org, mallory@x.example" in refused["message"]
    sent.desk.json("replies", "--accept", "assistant@example.org")
    assert sent.of("ana")["response"] == "accepted"


def test_a_command_to_copy_holds_nothing_that_a_shell_would_run(sent: Sent) -> None:
    ids = sent.ids["ana@example.org"], sent.ids["bo@example.org"], sent.ids["cara@example.org"]
    evil, quoted, option = "a`reboot`$x@home.example", "o'neil@home.example", "--ledger=x@home.example"
    found = sent.read(
        mails.a_mail("ana@example.org", f"Please use {evil} instead.", in_reply_to=ids[0]).as_bytes(),
        mails.a_mail("bo@example.org", f"Please use {quoted} instead.", in_reply_to=ids[1]).as_bytes(),
        mails.a_mail("cara@example.org", f"Please use {option} instead.", in_reply_to=ids[2]).as_bytes(),
    )
    assert [one["suggested"] for one in found["requests"]] == [evil, quoted, option]
    said = sent.desk.run("replies", *sent.put()).stdout
    assert "resend ana@example.org --to NEW --template" in said
    assert 'resend bo@example.org --to "o\'neil@home.example" --template' in said
    assert "resend cara@example.org --to NEW --template" in said


def test_who_is_not_on_the_list_is_a_forwarded_guest(sent: Sent) -> None:
    raw = mails.by_google(sent.uids["ana@example.org"], "guest@friends.example")
    found = sent.read(raw)
    assert found["forwarded"] == [
        {"address": "guest@friends.example", "invited_as": "ana@example.org", "response": "accepted"}
    ]
    assert not found["responses"] and sent.of("ana")["response"] == "none"


def test_bounces_are_known_by_whatever_they_name(sent: Sent) -> None:
    ids = {who: one.strip("<>") for who, one in sent.ids.items()}
    found = sent.read(
        mails.a_bounce("elsewhere@relay.example", envelope=ids["ana@example.org"], message_id="<1@mx>"),
        mails.a_bounce("x@relay.example", headers=f"Message-ID: <{ids['bo@example.org']}>\n", message_id="<2@mx>"),
        mails.a_bounce(
            "x@relay.example",
            headers=sent.headers["cara@example.org"].partition("\n")[2],
            message_id="<3@mx>",
        ),
        mails.a_bounce("dev@example.org", message_id="<4@mx>"),
        mails.a_bounce("eve@example.org", action="delayed", status="4.4.1", message_id="<5@mx>"),
        mails.by_qmail("finn@example.org", sent.headers["finn@example.org"]),
        mails.a_bounce("stranger@example.net", message_id="<6@mx>"),
    )
    assert {one["address"]: one["kind"] for one in found["bounces"]} == {
        "ana@example.org": "failed",
        "bo@example.org": "failed",
        "cara@example.org": "failed",
        "dev@example.org": "failed",
        "eve@example.org": "delayed",
        "finn@example.org": "failed",
    }
    assert (found["read"], found["unmatched"]) == (7, 1)
    assert "User unknown" in found["bounces"][0]["reply"]
    bounced = {one["key"]: one["bounced"] for one in sent.desk.json("status")["attendees"]}
    assert [who for who, is_one in bounced.items() if not is_one] == ["eve@example.org"]


def test_an_absence_is_neither_a_bounce_nor_a_request(sent: Sent) -> None:
    found = sent.read(mails.an_absence("ana@example.org", sent.ids["ana@example.org"]))
    assert (found["read"], found["unmatched"]) == (1, 0)
    assert not found["bounces"] and not found["requests"] and not found["responses"]


def test_a_request_is_listed_until_a_correction_has_followed(sent: Sent) -> None:
    text = (
        "Dear team,\n\nplease send it to my new address, bo.li@home.example, instead.\n\nBo\n\n"
        "On Thu, 1 Apr 2027, Consultation team wrote:\n> questions to consultations@department.example\n"
    )
    found = sent.read(mails.a_mail("bo@example.org", text, in_reply_to=sent.ids["bo@example.org"]).as_bytes())
    (request,) = found["requests"]
    assert request == {
        "address": "bo@example.org",
        "kind": "address",
        "text": "Dear team,\n\nplease send it to my new address, bo.li@home.example, instead.\n\nBo",
        "suggested": "bo.li@home.example",
    }
    assert "consultations@" not in request["text"]
    (listed,) = sent.desk.json("status")["requests"]
    assert listed["done"] is None
    shown = sent.desk.run("status").stdout
    assert "Requests: 1, 1 open." in shown and "invite-tui resend bo@example.org --to bo.li@home.example" in shown
    assert len(sent.server.messages) == 6  # nothing is applied by itself
    sent.desk.json("resend", "bo@example.org", "--to", "bo.li@home.example", "--confirm", "2")
    (listed,) = sent.desk.json("status")["requests"]
    assert listed["done"].startswith("corrected to bo.li@home.example")


def test_a_request_can_be_settled_by_hand(sent: Sent) -> None:
    sent.read(
        mails.a_mail("ana@example.org", "Will there be lunch?", in_reply_to=sent.ids["ana@example.org"]).as_bytes()
    )
    (request,) = sent.desk.json("replies", "--settle", "ana@example.org")["requests"]
    assert (request["kind"], request["suggested"]) == ("other", None)
    (listed,) = sent.desk.json("status")["requests"]
    assert listed["done"].startswith("settled")
    assert sent.desk.json("replies", "--settle", "ana@example.org", code=1)["error"]["code"] == "unknown-address"


def test_an_answer_to_an_earlier_version_is_none_to_the_new_one(sent: Sent) -> None:
    raw = mails.by_google(sent.uids["ana@example.org"], "ana@example.org")
    assert sent.read(raw)["responses"][0]["current"]
    sent.desk.change("event.toml", "14:00:00", "14:15:00")
    sent.desk.json("send", "attendees.csv", "--confirm", "6")
    assert not sent.desk.json("replies", *sent.put())["responses"][0]["current"]
    assert sent.of("ana")["response"] == "none"


def test_without_a_mailbox_it_says_what_to_do(sent: Sent) -> None:
    error = sent.desk.json("replies", code=4)["error"]
    assert "--mailbox" in error["hint"]
    assert sent.desk.json("replies", "--mailbox", "nowhere.mbox", code=1)["error"]["code"] == "missing-file"


def test_who_bounced_is_left_alone_until_the_organiser_says_otherwise(sent: Sent) -> None:
    for name in ("ana", "bo"):
        address = f"{name}@example.org"
        sent.put(mails.a_bounce(address, envelope=sent.ids[address].strip("<>"), message_id=f"<{name}@mx>"))
    sent.read()
    sent.desk.change("event.toml", "14:00:00", "14:15:00")
    plan = sent.desk.json("plan", "attendees.csv")
    said = {one["address"]: one for one in plan["actions"]}
    assert said["ana@example.org"]["action"] == "none" and "bounced: " in said["ana@example.org"]["reason"]
    assert plan["counts"]["update"] == 4
    sent.server.messages.clear()
    # The old address gets no cancellation: it would come back too.
    done = sent.desk.json("resend", "ana@example.org", "--to", "ana@home.example", "--confirm", "1")
    assert [(one["address"], one["action"]) for one in done["messages"]] == [("ana@home.example", "invite")]
    done = sent.desk.json("resend", "bo@example.org", "--confirm", "1")
    assert [(one["action"], one["uid"]) for one in done["messages"]] == [("invite", sent.uids["bo@example.org"])]
    bounced = {one["key"]: one["bounced"] for one in sent.desk.json("status")["attendees"]}
    assert not any(bounced.values())


def test_only_who_has_not_answered_is_reminded(sent: Sent) -> None:
    u, ids = sent.uids, sent.ids
    sent.read(
        mails.by_google(u["ana@example.org"], "ana@example.org"),
        mails.a_bounce("bo@example.org", envelope=ids["bo@example.org"].strip("<>")),
        mails.a_mail(
            "cara@example.org", "Please take me off the list.", in_reply_to=ids["cara@example.org"]
        ).as_bytes(),
    )
    sent.desk.json("cancel", "dev@example.org", "--confirm", "1")
    plan = sent.desk.json("plan", "attendees.csv", "--remind")
    said = {one["address"]: (one["action"], one["reason"]) for one in plan["actions"]}
    assert {who for who, (action, _) in said.items() if action != "none"} == {"eve@example.org", "finn@example.org"}
    assert said["eve@example.org"] == ("invite", "reminder: no reply seen")
    assert "has answered: accepted" in said["ana@example.org"][1] and "bounced" in said["bo@example.org"][1]
    assert "has asked to be taken off" in said["cara@example.org"][1]
    sent.server.messages.clear()
    done = sent.desk.json("send", "attendees.csv", "--remind", "--confirm", "2")
    assert done["digest"] == plan["digest"]
    eve = sent.server.messages[0]
    headers = message_from_bytes(eve.data, policy=policy.default)
    assert headers["Subject"].startswith("Reminder: ") and headers["In-Reply-To"] == ids["eve@example.org"]
    assert headers["Message-ID"] != ids["eve@example.org"]
    assert "have not seen an answer" in part(eve).replace("\n", " ")
    calendar = part(eve, "text/calendar")
    assert f"UID:{u['eve@example.org']}" in calendar and "SEQUENCE:0" in calendar
    # Not a second time on the same day; and to everything else a reminder is no change.
    assert sent.desk.json("plan", "attendees.csv", "--remind")["counts"]["invite"] == 0
    again = sent.desk.json("plan", "attendees.csv")
    assert again["counts"]["invite"] == again["counts"]["update"] == 0
    assert not [one for one in again["actions"] if "wording" in one["reason"]]
    sent.desk.change("event.toml", "[event]\n", "[event]\nreply_by = 2026-01-05\n")
    assert all("reply_by" in one["reason"] for one in sent.desk.json("plan", "attendees.csv", "--remind")["actions"])

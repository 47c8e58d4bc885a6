"""The whole round on real servers: signed in, sent, answered, bounced, reminded, corrected, reported, forgotten."""

from collections import Counter
from imaplib import Time2Internaldate
from time import time

from tests.cli.conftest import Desk
from tests.cli.test_accounts import comes_back, office, sign_in, words_for
from tests.replies import mails
from tests.servers.dovecot import Dovecot
from tests.servers.issuer import Issuer
from tests.servers.postfix import Postfix

__all__ = ["office"]  # a fixture


def _wire(raw: bytes, number: int) -> bytes:
    """As a server takes it, with an id of its own."""
    lines = mails.on_the_wire(raw).split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"message-id: <") or b"department.example" in line]
    return b"\r\n".join([f"Message-ID: <came-back-{number}@mail.example>".encode(), *kept])


def test_fifty_five_are_invited_and_what_comes_back_is_followed_up(
    office: Desk,
    submission: Postfix,
    dovecot: Dovecot,
    issuer: Issuer,
) -> None:
    words = words_for(submission, dovecot, "--oauth", issuer.url, "--client-id", issuer.client_id)
    assert "Added work" in sign_in(office, words, comes_back(issuer))
    done = office.json("send", "attendees.csv", "--confirm", "55")
    assert done["counts"]["accepted"] == 55 and len(submission.mailboxes()) == 55

    sent = iter((one["address"], one["uid"], one["message_id"]) for one in done["messages"])
    came = [mails.by_google(uid, who) for who, uid, _ in (next(sent) for _ in range(8))]
    came += [mails.by_outlook(uid, who, "DECLINED") for who, uid, _ in (next(sent) for _ in range(5))]
    came += [mails.by_apple(uid, who) for who, uid, _ in (next(sent) for _ in range(2))]
    came += [mails.a_counter(uid, who) for who, uid, _ in (next(sent) for _ in range(1))]
    came += [mails.by_google(uid, who, "DELEGATED") for who, uid, _ in (next(sent) for _ in range(1))]
    came += [mails.by_google(uid, "guest@friends.example") for _, uid, _ in (next(sent) for _ in range(1))]
    for who, uid, _ in (next(sent) for _ in range(1)):
        came.append(mails.by_google(uid, who, "DECLINED").replace(f"<{who}>".encode(), b"<mallory@elsewhere.example>"))
    asks, _, message_id = next(sent)
    came.append(mails.a_mail(asks, "Please use moved@home.example instead.", in_reply_to=message_id).as_bytes())
    bounced = [next(sent) for _ in range(3)]
    came += [mails.a_bounce(who, envelope=id_.strip("<>")) for who, _, id_ in bounced]
    client = dovecot.client()
    for number, raw in enumerate(came):
        folder = ("INBOX", "Trash", "Junk")[number % 3]
        client.create(folder)
        assert client.append(folder, "", Time2Internaldate(time()), _wire(raw, number))[0] == "OK"
    client.logout()

    found = office.json("replies")
    assert (found["read"], found["unmatched"]) == (23, 0)
    responses = Counter(one["response"] for one in found["responses"] if one["verified"])
    assert responses == {"accepted": 8, "declined": 5, "tentative": 2, "countered": 1, "delegated": 1}
    assert [one["response"] for one in found["responses"] if not one["verified"]] == ["declined"]
    assert [one["address"] for one in found["forwarded"]] == ["guest@friends.example"]
    assert {one["address"] for one in found["bounces"]} == {who for who, _, _ in bounced}
    assert [(one["address"], one["suggested"]) for one in found["requests"]] == [(asks, "moved@home.example")]
    assert office.json("replies") == found | {"read": 0}

    # 17 have answered, 3 bounced, 1 asks for another address.
    office.json("send", "attendees.csv", "--remind", "--confirm", "34")
    office.json("resend", asks, "--to", "moved@home.example", "--confirm", "2")
    boxes = submission.mailboxes()
    assert len(boxes["moved@home.example"]) == 1 and len(boxes[asks]) == 2
    assert all(len(boxes[who]) == 1 for who, _, _ in bounced)
    status = office.json("status")
    assert Counter(one["response"] for one in status["attendees"]) == {
        "none": 39,
        "accepted": 8,
        "declined": 5,
        "tentative": 3,
    }
    assert sum(one["bounced"] for one in status["attendees"]) == 3
    assert [one["done"].partition(" on ")[0] for one in status["requests"]] == ["corrected to moved@home.example"]
    office.json("send", "attendees.csv", "--confirm", "0")

    reports = ("--html", "report.html", "--csv", "report.csv", "--evidence", "evidence.jsonl")
    before = office.json("report", *reports)
    assert before["responses"] == {"accepted": 8, "tentative": 3, "declined": 5, "bounced": 3, "none": 36}
    office.run("report", "--html", "anonymous.html", "--anonymous")
    assert office.json("forget", "--all", "--confirm", "55")["forgotten"] == 55
    after = office.json("report")
    assert [after[name] for name in ("people", "counts", "messages", "responses")] == [
        before[name] for name in ("people", "counts", "messages", "responses")
    ]
    people = [one["address"].encode() for one in done["messages"]] + [b"moved@home.example", b"guest@friends.example"]
    ours = [*office.path.glob("event.ledger.db*"), *office.path.glob("*.html"), office.path / "report.csv"]
    assert not [(path.name, address) for path in ours for address in people if address in path.read_bytes()]
    assert office.json("report", "--verify", "evidence.jsonl")["ledger"] == "agrees"
    assert office.json("plan", "attendees.csv")["counts"]["none"] == 55
    counted = office.json("status")
    assert (counted["attendees"], counted["counts"]) == ([], status["counts"])
    assert counted["responses"] == {"none": 39, "accepted": 8, "declined": 5, "tentative": 3}
    again = office.json("replies")
    assert (again["read"], again["responses"], again["bounces"], again["requests"]) == (0, [], [], [])

"""`invite-tui audit`, as a mail team's pipeline runs it."""

import json
import mailbox
import re
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.cli.conftest import Desk

ANA, BO = "ana@example.org", "bo.li@example.com"


def a_mail(*to: str, subject: str = "Consultation", text: str = "Please come.") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Team <team@department.example>"
    mail["To"] = ", ".join(to)
    mail["Subject"] = subject
    mail.set_content(text)
    return mail


def save(desk: Desk, name: str, mail: EmailMessage) -> str:
    (desk.path / name).write_bytes(bytes(mail))
    return name


def test_a_leak_is_exit_code_1_and_one_json_document(desk: Desk) -> None:
    said = desk.json("audit", save(desk, "a.eml", a_mail(ANA, BO)), code=1)
    words = "2 people could see each other's addresses in To."
    assert said == {
        "messages": 1,
        "leaks": [{"file": "a.eml", "where": "To", "what": who, "message": words} for who in (ANA, BO)],
    }


def test_no_leak_is_exit_code_0(desk: Desk) -> None:
    assert desk.json("audit", save(desk, "a.eml", a_mail(ANA))) == {"messages": 1, "leaks": []}
    assert "nobody was exposed" in desk.run("audit", "a.eml").stdout


def test_what_we_send_ourselves_exposes_nobody(desk: Desk) -> None:
    desk.run("send", "attendees.csv", "--dry-run")
    assert desk.json("audit", "outbox", "--attendees", "attendees.csv")["messages"] == 55
    file = save(desk, "outbox/9999-late.eml", a_mail(ANA, text=f"Ask {BO}"))
    leaks = desk.json("audit", "outbox", "--attendees", "attendees.csv", code=1)["leaks"]
    assert [(Path(leak["file"]).as_posix(), leak["where"], leak["what"]) for leak in leaks] == [(file, "text", BO)]


def test_the_list_names_its_address_column_in_its_event_file(desk: Desk) -> None:
    desk.write("guests.csv", f"Name,Contact\nAna,{ANA}\nBo,{BO}\n")
    desk.change("event.toml", "[columns]\n", '[columns]\nemail = "Contact"\n')
    file = save(desk, "a.eml", a_mail(ANA, text=f"Ask {BO}"))
    assert [leak["what"] for leak in desk.json("audit", file, "--attendees", "guests.csv", code=1)["leaks"]] == [BO]


def test_who_stands_in_a_row_with_errors_is_looked_for_too(desk: Desk) -> None:
    desk.write("guests.csv", f"Name,Email\nAna,{ANA}\nBo,Bo Li <{BO}>\n")
    file = save(desk, "a.eml", a_mail(ANA, text=f"Ask {BO}"))
    assert [leak["what"] for leak in desk.json("audit", file, "--attendees", "guests.csv", code=1)["leaks"]] == [BO]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["no.eml"], "missing-file"),
        (["attendees.csv"], "no-message"),
        (["a.eml", "--attendees", "none.csv"], "missing-file"),
        (["a.eml", "--attendees", "event.toml"], "no-address-column"),
    ],
)
def test_what_cannot_be_judged_at_all_is_exit_code_1_with_a_sentence(desk: Desk, words: list[str], code: str) -> None:
    save(desk, "a.eml", a_mail(ANA))
    assert desk.json("audit", *words, code=1)["error"]["code"] == code
    assert desk.run("audit", *words, code=1).stderr.startswith("invite-tui: ")


def test_a_folder_without_messages_says_so(desk: Desk) -> None:
    done = desk.run("audit", "exports", "sessions", "--json")
    assert json.loads(done.stdout) == {"messages": 0, "leaks": []}
    assert "There is no message in exports, sessions." in done.stderr


def test_a_damaged_file_in_a_folder_is_exit_code_1_and_the_rest_is_judged(desk: Desk) -> None:
    desk.write("mails/a.msg", "")
    (desk.path / "mails" / "a.msg").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    save(desk, "mails/b.eml", a_mail(ANA))
    said = desk.json("audit", "mails", code=1)
    assert (said["messages"], said["leaks"]) == (1, [])
    assert [Path(one["file"]).name for one in said["unopened"]] == ["a.msg"]


def test_a_message_of_an_mbox_is_named_by_its_number(desk: Desk) -> None:
    box = mailbox.mbox(desk.path / "sent")
    box.add(a_mail(ANA))
    box.add(a_mail(ANA, BO))
    box.close()
    assert [leak["number"] for leak in desk.json("audit", "sent", code=1)["leaks"]] == [2, 2]
    assert "sent, message 2: “Consultation”" in desk.run("audit", "sent", code=1).stdout


def test_nothing_in_a_message_reaches_the_terminal_as_a_command_or_a_line_of_its_own(desk: Desk) -> None:
    mail = (
        b"From: \x1b]0;title\x07\nSubject: =?utf-8?q?a=0A1_message_judged:_nobody=1b[2J_=E2=80=AE?=\n"
        b"To: ana@example.org, b\x9b31m@example.com\nContent-Type: application/ms-tnef; name*=utf-8''a%0Ab%1b%5b2J\n\nx"
    )
    (desk.path / "a.eml").write_bytes(mail)
    shown = desk.run("audit", "a.eml", code=1).stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert [line for line in shown.splitlines() if line.startswith("1 message judged")] == [shown.splitlines()[-1]]
    assert desk.run("audit", "a.eml", "--json", code=1).stdout.isascii()


def test_a_great_many_people_are_counted_and_a_few_are_named(desk: Desk) -> None:
    people = [f"guest{number}@example.org" for number in range(1718)]
    file = save(desk, "a.eml", a_mail(*people))
    shown = desk.run("audit", file, code=1).stdout
    assert "1718 people could see each other's addresses in To." in shown
    assert "and 1706 more" in shown
    assert len(desk.json("audit", file, code=1)["leaks"]) == 1718

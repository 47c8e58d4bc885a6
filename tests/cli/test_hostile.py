"""Cells that attack: a header, a recipient, a calendar property, markup, the terminal, the template engine."""

import csv
import io
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

import icalendar
import pytest

from tests.cli.conftest import Desk
from tests.servers.recording import RecordingServer

ATTACKS = (
    "Ana\r\nBcc: x@y.example",
    "Ana\nBcc: x@y.example\n\nHello",
    "\x1b]52;c;ZWNobyBwd25lZA==\x07Ana",
    "\x9b31mAna\x9d0;title\x9c",
    "[/nope] [red]Ana[/] [@click=app.quit]Ana[/]",
    "{{ 7*7 }} {% for x in range(9) %}{{ x }}{% endfor %} {{ event.uid }}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "Ana\nATTENDEE:mailto:x@y.example",
    'Ana";X-EVIL=1:mailto:x@y.example',
    "Ana\u202egnp.exe\u2066",
    "=cmd|' /C calc'!A0",
    "=?utf-8?q?=0D=0ABcc:_x@y.example?=",
    "\\r\\nDTSTART:19700101T000000Z\\n",
    "Ana, <x@y.example>; Bo",
    "**bold** [here](javascript:alert(1)) # heading",
)

WORDING = """\
subject: {{ name }}: {{ note }}

Dear {{ name }},

> {{ note }}

[link](https://e.example/?q={{ email }})
"""
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def attacked(live: tuple[Desk, RecordingServer]) -> tuple[Desk, RecordingServer]:
    desk, server = live
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Name", "Email", "Note", "Audience"])
    for number, attack in enumerate(ATTACKS):
        writer.writerow([attack, f"ana{number}@example.org", attack, attack])
    desk.write("attacks.csv", out.getvalue())
    desk.write(
        "templates/invitation.md",
        WORDING,
    )
    return desk, server


def test_no_cell_does_any_harm_in_a_message(attacked: tuple[Desk, RecordingServer]) -> None:
    desk, server = attacked
    done = desk.json("send", "attacks.csv", "--confirm", str(len(ATTACKS)))
    assert done["counts"]["accepted"] == len(ATTACKS)
    for number, recorded in enumerate(server.messages):
        assert recorded.rcpt_tos == (f"ana{number}@example.org",)
        message = message_from_bytes(recorded.data, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        assert not message.defects
        assert {"bcc", "cc", "x-evil"}.isdisjoint(name.lower() for name in message)
        assert [address.addr_spec for address in message["To"].addresses] == [f"ana{number}@example.org"]
        for part in message.walk():
            if part.get_content_type() in ("text/calendar", "application/ics"):
                [event] = icalendar.Calendar.from_ical(
                    str(part.get_content() if part.get_content_maintype() == "text" else part.get_content().decode())
                ).events
                assert [str(attendee) for attendee in event.attendees] == [f"mailto:ana{number}@example.org"]
                assert "X-EVIL" not in event.attendees[0].params
                assert "20270506T130000Z" in event.to_ical().decode()
        body, markup = message.get_body(("plain",)), message.get_body(("html",))
        assert body
        assert markup
        text, html = body.get_content(), markup.get_content()
        assert not CONTROLS.search((text + html).replace("\r\n", "\n"))
        assert not re.search(r"<(script|img)|href=\"javascript|onerror=[^&]*<", html.replace("&lt;", ""))
        assert "49" not in text.split("\n")[0]


def test_no_cell_reaches_a_terminal_as_a_control(attacked: tuple[Desk, RecordingServer]) -> None:
    desk, _ = attacked
    outputs = [
        desk.apart("check", "attacks.csv", code=None),
        desk.run("plan", "attacks.csv", code=None),
        desk.run("attacks.csv", code=2),
        *(desk.run("preview", "attacks.csv", "--to", f"ana{n}@example.org") for n in range(len(ATTACKS))),
        *(desk.run("preview", "attacks.csv", "--part", part) for part in ("headers", "text", "html", "calendar")),
        desk.run("send", "attacks.csv", "--confirm", str(len(ATTACKS))),
        desk.run("status"),
        desk.run("check", "\x1b]0;evil\x07.csv", code=1),
        desk.run("resend", "\x1b[31mx@y.example", "--confirm", "1", code=1),
        desk.run("preview", "attacks.csv", "--\x1b[31mevil", code=2),
    ]
    for done in outputs:
        for text in (done.stdout, done.stderr):
            assert not CONTROLS.search(text), repr(text)


def test_json_escapes_every_control(attacked: tuple[Desk, RecordingServer]) -> None:
    desk, _ = attacked
    for words in (("check",), ("plan",), ("preview",)):
        assert desk.run(*words, "attacks.csv", "--json", code=None).stdout.isascii()


def test_a_servers_words_are_neutralised(live: tuple[Desk, RecordingServer]) -> None:
    desk, server = live
    server.say("RCPT", "550 5.1.1 \x1b]52;c;ZXZpbA==\x07 no [/nope] such \x1b[2J user", to="ana@example.org")
    done = desk.run("send", "attendees.csv", "--confirm", "55", code=3)
    status = desk.run("status")
    for text in (done.stdout, done.stderr, status.stdout):
        assert "\x1b" not in text
        assert "\x07" not in text


def test_problems_csv_holds_no_formula(live: tuple[Desk, RecordingServer]) -> None:
    desk, _ = live
    desk.write(
        "bad.csv",
        'Name,Email\n"=HYPERLINK(""http://x"")",bo@@example.org\n@SUM(1),+1@@example.org\nAna,ana@example.org\n',
    )
    desk.run("send", "bad.csv", "--skip-errors", "--confirm", "1")
    with (desk.path / "problems.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]

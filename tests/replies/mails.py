"""Mails as they come back: in the shapes of the programs that people answer with. All of these people are made up."""

import re
from base64 import b64encode
from email.message import EmailMessage
from textwrap import dedent

ORGANIZER = "consultations@department.example"

OUTLOOK_ZONE = """\
BEGIN:VTIMEZONE
TZID:GMT Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""


def folded(text: str) -> str:
    """A calendar object with CRLF line ends, its lines folded at 75 (RFC 5545 §3.1)."""
    return "".join(re.sub(r"(?<=.)(.{74})", r"\1\r\n ", line) + "\r\n" for line in text.strip().split("\n"))


def a_reply(
    uid: str,
    address: str,
    status: str = "ACCEPTED",
    *,
    sequence: int = 0,
    stamp: str = "20270402T101500Z",
    method: str = "REPLY",
    comment: str = "",
    more: str = "",
    parameters: str = "",
) -> str:
    """The calendar object of an answer, as RFC 5546 §4.2.2 has it."""
    lines = [
        *("BEGIN:VCALENDAR", "PRODID:-//Example//Calendar//EN", "VERSION:2.0", f"METHOD:{method}", "BEGIN:VEVENT"),
        *(f"UID:{uid}", f"SEQUENCE:{sequence}", f"DTSTAMP:{stamp}", "DTSTART:20270506T130000Z"),
        *("DTEND:20270506T143000Z", "SUMMARY:Pathways to Work", f"ORGANIZER:mailto:{ORGANIZER}"),
        f"ATTENDEE;PARTSTAT={status}{parameters}:mailto:{address}",
        *([f"COMMENT:{comment}"] if comment else []),
        *more.split("\n")[: None if more else 0],
        *("END:VEVENT", "END:VCALENDAR"),
    ]
    return folded("\n".join(lines))


def a_mail(
    sender: str,
    text: str = "",
    *,
    subject: str = "Re: Invitation",
    message_id: str = "<answer-1@mail.example>",
    date: str = "Fri, 02 Apr 2027 10:15:00 +0000",
    in_reply_to: str = "",
    html: str = "",
    **headers: str,
) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ORGANIZER, subject
    mail["Date"], mail["Message-ID"] = date, message_id
    if in_reply_to:
        mail["In-Reply-To"] = mail["References"] = in_reply_to
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


def on_the_wire(raw: bytes) -> bytes:
    """With the line ends that mail servers want."""
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def by_google(uid: str, address: str, status: str = "ACCEPTED", *, sequence: int = 0) -> bytes:
    """Gmail: text, HTML and the calendar as alternatives, and the same object attached as invite.ics."""
    calendar = a_reply(uid, address, status, parameters=f";X-NUM-GUESTS=0;CN={address}", sequence=sequence)
    mail = a_mail(f"Somebody <{address}>", f"{address} has accepted this invitation.", subject="Accepted: Pathways")
    mail.add_alternative("<p>has accepted this invitation.</p>", subtype="html")
    mail.add_alternative(calendar.encode(), maintype="text", subtype="calendar", params={"method": "REPLY"}, cte="7bit")
    mail.add_attachment(calendar.encode(), maintype="application", subtype="ics", filename="invite.ics")
    return mail.as_bytes()


def by_outlook(uid: str, address: str, status: str = "ACCEPTED", *, note: str = "", sequence: int = 0) -> bytes:
    """Outlook and Exchange: base64, MAILTO in capitals, Windows' zone, and the note as the mail's text."""
    text = (
        "BEGIN:VCALENDAR\nMETHOD:REPLY\nPRODID:Microsoft Exchange Server 2010\nVERSION:2.0\n"
        + OUTLOOK_ZONE
        + f"BEGIN:VEVENT\nATTENDEE;PARTSTAT={status};CN=Bo Li:MAILTO:{address.upper()}\nCOMMENT;LANGUAGE=en-GB:\n"
        f"UID:{uid}\nSUMMARY;LANGUAGE=en-GB:{status.title()}: Pathways to Work\n"
        "DTSTART;TZID=GMT Standard Time:20270506T140000\nDTEND;TZID=GMT Standard Time:20270506T153000\n"
        f"CLASS:PUBLIC\nPRIORITY:5\nDTSTAMP:20270402T113000Z\nTRANSP:OPAQUE\nSTATUS:CONFIRMED\nSEQUENCE:{sequence}\n"
        "X-MICROSOFT-CDO-APPT-SEQUENCE:0\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\nEND:VEVENT\nEND:VCALENDAR"
    )
    calendar = b64encode(folded(text).encode()).decode()
    body = b64encode((note + "\r\n").encode()).decode()
    return (
        dedent(
            f"""\
            Received: from AS8PR01.example (2603:10a6::1) by AM0PR01.example with HTTPS
            From: "Li, Bo" <{address}>
            To: Consultation team <{ORGANIZER}>
            Subject: {status.title()}: Pathways to Work
            Thread-Topic: Pathways to Work
            Date: Fri, 2 Apr 2027 11:30:00 +0000
            Message-ID: <AS8PR01-{status.lower()}{sequence}@AS8PR01.example>
            MIME-Version: 1.0
            Content-Type: multipart/alternative;
            \tboundary="_002_AS8PR01_"

            --_002_AS8PR01_
            Content-Type: text/plain; charset="utf-8"
            Content-Transfer-Encoding: base64

            {body}
            --_002_AS8PR01_
            Content-Type: text/calendar; charset="utf-8"; method=REPLY
            Content-Transfer-Encoding: base64

            {calendar}
            --_002_AS8PR01_--
            """
        )
        .replace("\n", "\r\n")
        .encode()
    )


def by_apple(uid: str, address: str, status: str = "TENTATIVE") -> bytes:
    """Apple: one part that is the calendar, quoted-printable, with EMAIL beside an address that is a path."""
    calendar = a_reply(uid, address, status).replace(
        f"PARTSTAT={status}:mailto:{address}".replace("\r\n ", ""), f"PARTSTAT={status}:mailto:{address}"
    )
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = address, ORGANIZER, "Cara Diaz may attend"
    mail["Date"], mail["Message-ID"] = "Fri, 02 Apr 2027 12:00:00 +0000", "<apple-1@icloud.example>"
    mail.set_content(calendar.encode(), maintype="text", subtype="calendar", params={"method": "REPLY"}, cte="base64")
    return mail.as_bytes()


def a_counter(uid: str, address: str) -> bytes:
    """Outlook's "propose new time"."""
    text = (
        "BEGIN:VCALENDAR\nMETHOD:COUNTER\nPRODID:Microsoft Exchange Server 2010\nVERSION:2.0\n"
        + OUTLOOK_ZONE
        + f"BEGIN:VEVENT\nATTENDEE;PARTSTAT=TENTATIVE;CN=Dev:MAILTO:{address}\nCOMMENT:An hour later suits me better.\n"
        f"UID:{uid}\nSUMMARY:New Time Proposed: Pathways to Work\nORGANIZER:mailto:{ORGANIZER}\n"
        "DTSTART;TZID=GMT Standard Time:20270506T150000\nDTEND;TZID=GMT Standard Time:20270506T163000\n"
        "DTSTAMP:20270402T120000Z\nSEQUENCE:0\nX-MS-OLK-ORIGINALSTART;TZID=GMT Standard Time:20270506T140000\n"
        "END:VEVENT\nEND:VCALENDAR"
    )
    mail = a_mail(address, "", subject="New Time Proposed: Pathways to Work", message_id="<counter-1@mail.example>")
    mail.add_alternative(folded(text).encode(), maintype="text", subtype="calendar", params={"method": "COUNTER"})
    return mail.as_bytes()


def a_bounce(
    recipient: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    envelope: str = "",
    headers: str = "",
    message_id: str = "<dsn-1@mx.example>",
    diagnostic: str = "smtp; 550 5.1.1 <{0}>: Recipient address rejected: User unknown",
) -> bytes:
    """A delivery status notification (RFC 3464), as Postfix writes it."""
    envelope_line = f"Original-Envelope-Id: {envelope}\n" if envelope else ""
    return (
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\n"
        f"To: {ORGANIZER}\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n"
        f"Date: Fri, 02 Apr 2027 10:20:00 +0000\nMessage-ID: {message_id}\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        "--B\nContent-Description: Notification\nContent-Type: text/plain; charset=us-ascii\n\n"
        "I'm sorry to have to inform you that your message could not be delivered.\n\n"
        "--B\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example\n{envelope_line}Arrival-Date: Fri, 02 Apr 2027 10:19:58 +0000\n\n"
        f"Final-Recipient: rfc822; {recipient}\nOriginal-Recipient: rfc822;{recipient}\nAction: {action}\n"
        f"Status: {status}\nRemote-MTA: dns; mail.elsewhere.example\n"
        f"Diagnostic-Code: {diagnostic.format(recipient)}\n\n"
        "--B\nContent-Description: Undelivered Message Headers\nContent-Type: text/rfc822-headers\n\n"
        f"{headers}\n--B--\n"
    ).encode()


def by_qmail(recipient: str, original: str) -> bytes:
    """A bounce that is no notification by any standard, with the message below it."""
    return (
        f"Return-Path: <>\nFrom: MAILER-DAEMON@old.example\nTo: {ORGANIZER}\nSubject: failure notice\n"
        "Date: Fri, 02 Apr 2027 10:21:00 +0000\n\n"
        "Hi. This is the qmail-send program at old.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f"<{recipient}>:\n192.0.2.7 does not like recipient.\n"
        "Remote host said: 550 5.1.1 sorry, no mailbox here by that name\nGiving up on 192.0.2.7.\n\n"
        f"--- Below this line is a copy of the message.\n\n{original}\n"
    ).encode()


def an_absence(sender: str, in_reply_to: str) -> bytes:
    return a_mail(
        sender,
        "I am out of the office until 12 April. Please write to my other address, help@example.org, if it is urgent.",
        subject="Automatic reply: Invitation: Pathways to Work",
        message_id="<oof-1@mail.example>",
        in_reply_to=in_reply_to,
        Auto_Submitted="auto-generated",
        X_Auto_Response_Suppress="All",
    ).as_bytes()

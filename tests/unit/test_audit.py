"""`audit`, by what it says of one message: whom it exposed, and where."""

import base64
import io
import zipfile
from binascii import b2a_uu
from collections.abc import Sequence
from email.message import EmailMessage

import pytest

from tui.audit import Judgement, judge
from tui.audit.people import mailboxes
from tui.audit.reading import read
from tui.guard import Roll

ANA, BO, CY = "ana@example.org", "bo.li@example.com", "cy@example.net"
TEAM = "consultations@department.example"
EVERYBODY = (ANA, BO, CY)


def a_calendar(*attendees: str, organizer: str = TEAM, method: str = "REQUEST") -> str:
    people = "".join(f'ATTENDEE;CUTYPE=INDIVIDUAL;CN="Guest: one":mailto:{who}\r\n' for who in attendees)
    return (
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:1@department.example\r\n"
        f"ORGANIZER;CN=Team:mailto:{organizer}\r\n{people}SUMMARY:Consultation\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def a_mail(text: str = "Please come.", *, html: str = "", calendar: str = "", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = headers.pop("sender", f"Team <{TEAM}>")
    mail["Subject"] = "Consultation"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    if calendar:
        mail.add_alternative(calendar, subtype="calendar", params={"method": "REQUEST"})
    return mail


def judged(mail: EmailMessage | bytes, listed: Sequence[str] = ()) -> Judgement:
    return judge(read(mail if isinstance(mail, bytes) else bytes(mail)), Roll(listed) if listed else None)


def seen(mail: EmailMessage | bytes, listed: Sequence[str] = ()) -> set[tuple[str, str]]:
    """Each place, and who was exposed there."""
    return {(leak.where, leak.what) for leak in judged(mail, listed).leaks}


def raw(headers: str, body: str = "Hello\r\n") -> bytes:
    return (headers.replace("\n", "\r\n") + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


# --- everybody who was written to -------------------------------------------------------------------------------------


def test_one_recipient_is_exposed_to_nobody() -> None:
    assert not seen(a_mail(To=f"Ana Ruiz <{ANA}>", calendar=a_calendar(ANA)))


def test_everybody_in_to_is_exposed_when_there_is_more_than_one() -> None:
    mail = a_mail(To=", ".join(EVERYBODY))
    assert seen(mail) == {("To", who) for who in EVERYBODY}
    assert judged(mail).exposures[0].sentence == "3 people could see each other's addresses in To."


@pytest.mark.parametrize("header", ["Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"])
def test_every_header_that_shows_recipients_counts(header: str) -> None:
    mail = raw(f"From: {TEAM}\nTo: {ANA}\n{header}: Bo <{BO}>")
    assert seen(mail) == {("To", ANA), (header, BO)}


def test_a_bcc_that_is_still_in_the_file_is_told_as_that() -> None:
    mail = raw(f"From: {TEAM}\nTo: {TEAM}\nBcc: {ANA}, {BO}")
    assert {("Bcc", ANA), ("Bcc", BO)} <= seen(mail)
    assert any("still in Bcc" in one.sentence for one in judged(mail).exposures)


def test_the_same_person_twice_is_one_recipient() -> None:
    assert not seen(raw(f"From: {TEAM}\nTo: Ana <{ANA}>, ANA@Example.ORG\nCc: {ANA}"))


def test_a_header_that_is_there_twice_is_read_twice() -> None:
    assert seen(raw(f"From: {TEAM}\nTo: {ANA}\nTo: {BO}")) == {("To", ANA), ("To", BO)}
    assert seen(raw(f"From: {TEAM}\nTO: {ANA}\ncc: {BO}")) == {("To", ANA), ("Cc", BO)}


@pytest.mark.parametrize(
    ("header", "people"),
    [
        ("undisclosed-recipients:;", []),
        ("Undisclosed recipients", []),
        ("<Undisclosed-Recipient:;>", []),
        ("Guests: ana@example.org, Bo <bo.li@example.com>;, cy@example.net", [ANA, BO, CY]),
        ('"Ruiz, Ana" <ana@example.org>', [ANA]),
        ("Ruiz, Ana <ana@example.org>", [ANA]),
        ('"bo.li@example.com" <ana@example.org>', [ANA]),
        ('"Ana \\"A\\" Ruiz, Carer" <ana@example.org>, bo.li@example.com', [ANA, BO]),
        ("ana@example.org; Bo <bo.li@example.com>", [ANA, BO]),
        ("ana@example.org bo.li@example.com", [ANA, BO]),
        ("<ana@example.org> <bo.li@example.com>", [ANA, BO]),
        ("ana@example.org (Ana, the first), bo.li@example.com (Bo)", [ANA, BO]),
        ("<@relay.example:ana@example.org>", [ANA]),
        ("mailto:ana@example.org", [ANA]),
        ("=?utf-8?q?Ru=C3=ADz=2C_Ana?= <ana@example.org>", [ANA]),
        ("=?utf-8?q?ana=40example=2Eorg=2C_bo=2Eli=40example=2Ecom?=", [ANA, BO]),
        ("=?utf-8?q?Ana_=3Cana=40example=2Eorg=3E?=, bo.li@example.com", [ANA, BO]),
        ("Ana Ruiz; Bo Li", ["Ana Ruiz", "Bo Li"]),
        ("Ruiz, Ana", []),
        ("ana@müller.example, ana@xn--mller-kva.example", ["ana@xn--mller-kva.example"]),
        ('"ana ruiz"@example.org', ['"ana ruiz"@example.org']),
        (
            "Ana </o=Ex/cn=Recipients/cn=ana>, Bo </o=Ex/cn=Recipients/cn=bo>",
            ["/o=Ex/cn=Recipients/cn=ana", "/o=Ex/cn=Recipients/cn=bo"],
        ),
        ("ana@[192.0.2.1], ana@[IPv6:2001:db8::1]", ["ana@[192.0.2.1]"]),
        ('"unclosed <ana@example.org>', [ANA]),
        ("<ana@example.org, bo.li@example.com", [ANA, BO]),
        ("", []),
        (",,;;::", []),
    ],
)
def test_people_are_found_in_an_address_header_however_it_is_written(header: str, people: list[str]) -> None:
    assert list(mailboxes(header))[: len(people) or None] == people


def test_an_address_header_of_a_megabyte_takes_no_more_than_moments() -> None:
    for piece in ('"', "\\", '\\"', "(", "<", "[", "=?utf-8?q?", "a@", ":", "a" * 50 + "@b,"):
        mailboxes(piece * (200_000 // len(piece)))


def test_recipients_that_a_server_wrote_into_one_header_could_see_each_other() -> None:
    assert seen(raw(f"From: {TEAM}\nTo: {TEAM}\nEnvelope-To: {ANA}, {BO}")) >= {
        ("Envelope-To", ANA),
        ("Envelope-To", BO),
    }
    assert not seen(raw(f"From: {TEAM}\nTo: all@lists.example\nDelivered-To: {ANA}\nX-Original-To: {ANA}"))


# --- the calendar -----------------------------------------------------------------------------------------------------


def test_all_attendees_of_one_entry_are_exposed() -> None:
    mail = a_mail(To=ANA, calendar=a_calendar(*EVERYBODY))
    assert seen(mail) == {("calendar", who) for who in EVERYBODY}
    assert judged(mail).exposures[0].sentence == "3 guests could see each other's addresses in the calendar."


def test_the_organizer_among_the_attendees_is_no_guest() -> None:
    assert not seen(a_mail(To=ANA, calendar=a_calendar(TEAM, ANA)))


def test_each_place_that_names_the_attendees_is_told() -> None:
    mail = a_mail(To=ANA, calendar=a_calendar(ANA, BO))
    mail.add_attachment(a_calendar(ANA, BO).encode(), maintype="application", subtype="ics", filename="invite.ics")
    assert seen(mail) == {(where, who) for where in ("calendar", "invite.ics") for who in (ANA, BO)}


def test_attendees_are_counted_over_all_the_calendars_of_a_message() -> None:
    mail = a_mail(To=ANA, calendar=a_calendar(ANA))
    mail.add_attachment(a_calendar(BO).encode(), maintype="application", subtype="octet-stream", filename="b.dat")
    assert seen(mail) == {("calendar", ANA), ("b.dat", BO)}


def test_an_entry_that_is_somebody_elses_exposes_them() -> None:
    assert seen(a_mail(To=ANA, calendar=a_calendar(BO))) == {("calendar", BO)}


def test_an_answer_names_who_answers() -> None:
    answer = a_mail(To=TEAM, sender=ANA, calendar=a_calendar("ana.ruiz@example.org", method="REPLY"))
    assert not seen(answer)


@pytest.mark.parametrize(
    "line",
    [
        "ATTENDEE:MAILTO:BO.LI@example.com",
        "ATTENDEE;CN=\"Bo;Li:\":mailto:bo.li%40example.com",
        "ATTENDEE;CN=Bo;EMAIL=bo.li@example.com:/aMTIzNDU2/principal/",
        "attendee;PARTSTAT=NEEDS-ACTION;CN=B\r\n o:mail\r\n to:bo.li@exa\r\n mple.com",
        "ATTENDEE;CN=\"Bo:mailto:bo.li@example.com",
        "item1.ATTENDEE:mailto:bo.li@example.com",
        "ATTENDEE;CN=Bo\u2028Li:mailto:bo.li@example.com",
    ],
)  # fmt: skip
def test_attendees_are_found_however_they_are_written(line: str) -> None:
    calendar = a_calendar(ANA).replace("SUMMARY", f"{line}\r\nSUMMARY")
    body = base64.encodebytes(calendar.encode()).decode()
    mail = raw(f"From: {TEAM}\nTo: {ANA}\nContent-Type: text/calendar\nContent-Transfer-Encoding: base64", body)
    assert ("calendar", BO) in seen(mail)


def test_a_guest_without_an_address_is_exposed_by_name() -> None:
    calendar = a_calendar(ANA).replace("SUMMARY", "ATTENDEE;CN=Bo Li:invalid\r\nSUMMARY")
    assert ("calendar", "Bo Li") in seen(a_mail(To=ANA, calendar=calendar))


# --- messages inside messages -----------------------------------------------------------------------------------------


def a_forward(inner: EmailMessage, **headers: str) -> EmailMessage:
    mail = a_mail(**headers)
    mail.add_attachment(inner)
    return mail


def test_a_forwarded_message_is_judged_with_its_own_recipients() -> None:
    inner = a_mail(To=f"{BO}, {CY}", calendar=a_calendar(BO, CY))
    where = {
        ("forwarded.eml/To", BO),
        ("forwarded.eml/To", CY),
        ("forwarded.eml/calendar", BO),
        ("forwarded.eml/calendar", CY),
    }
    assert seen(a_forward(inner, To=ANA)) == where
    assert not seen(a_forward(a_mail(To=BO), To=ANA))


def test_a_message_attached_as_a_file_is_one_all_the_same() -> None:
    mail = a_mail(To=ANA)
    inner = bytes(a_mail(To=f"{BO}, {CY}"))
    mail.add_attachment(inner, maintype="application", subtype="octet-stream", filename="Fwd: thread.eml")
    assert seen(mail) == {("Fwd: thread.eml/To", BO), ("Fwd: thread.eml/To", CY)}


def test_messages_deep_inside_each_other_end_in_a_sentence() -> None:
    mail = a_mail(To=f"{BO}, {CY}")
    for _ in range(60):
        outer = EmailMessage()
        outer["To"] = ANA
        outer["Content-Type"] = "message/rfc822"
        outer.set_payload([mail])
        mail = outer
    text = b"Content-Type: message/rfc822\n\n" * 500 + b"To: x@example.org\n\nHello"
    for found in (judged(mail), judged(text)):
        assert [one.reason for one in found.unopened] == [
            "there are too many parts, or they are too deep inside each other"
        ]


# --- everybody who is on the list -------------------------------------------------------------------------------------


def test_other_peoples_addresses_in_a_body_count_only_with_the_list() -> None:
    mail = a_mail(f"On Monday {BO} wrote: hello", To=ANA)
    assert not seen(mail)
    assert not seen(mail, [ANA])
    assert seen(mail, [ANA, BO]) == {("text", BO)}


def test_the_recipients_own_address_is_theirs_wherever_it_stands() -> None:
    mail = a_mail(f"Dear {ANA}, ana+news@example.org", html=f"<a href='mailto:{ANA}'>you</a>", To=f"Ana <{ANA}>")
    assert not seen(mail, EVERYBODY)


def test_an_address_that_only_ends_like_the_recipients_is_somebody_elses() -> None:
    assert seen(
        a_mail("Ask ruiz@example.org", To="o'ruiz@example.org"), ["o'ruiz@example.org", "ruiz@example.org"]
    ) == {("text", "ruiz@example.org")}


@pytest.mark.parametrize("own", ["an.a@gmail.com", "ana@gmail.com", "ana+x@gmail.com"])
def test_the_recipients_own_mailbox_is_theirs_where_the_provider_ignores_dots(own: str) -> None:
    for listed in ("ana@gmail.com", "a.na@gmail.com"):
        assert not seen(a_mail(f"Dear {own}", To=own), [listed, BO])


def test_whoever_wrote_the_message_is_not_given_away_by_it() -> None:
    assert not seen(a_mail(To=ANA, sender=BO, calendar=a_calendar(ANA, organizer=BO)), EVERYBODY)


@pytest.mark.parametrize(
    "header",
    [
        "Reply-To: bo.li@example.com",
        "Thread-Topic: Re: bo.li@example.com",
        "X-Merge-Row: 17;Bo;BO.LI%40example.com",
        "Subject: =?utf-8?b?Ym8ubGlAZXhhbXBsZS5jb20=?=",
        "Subject: =?utf-8?q?bo=2Eli=40exam?=\n =?utf-8?q?ple=2Ecom?=",
        "Comments: bo.\u200bli@example.com",
    ],
)
def test_a_listed_address_is_found_in_any_header_and_spelling(header: str) -> None:
    assert seen(raw(f"From: {TEAM}\nTo: {ANA}\n{header}"), EVERYBODY) == {(header.partition(":")[0], BO)}


def _encoded(content: bytes) -> str:
    return "Content-Transfer-Encoding: base64\n\n" + base64.b64encode(content).decode()


_ATTACHED = "Content-Disposition: attachment; filename"


@pytest.mark.parametrize(
    ("part", "where"),
    [
        ("text/html\nContent-Transfer-Encoding: quoted-printable\n\n<!-- bo=2Eli&#64;exam=\nple.com -->", "html"),
        ("text/plain; charset=utf-16le\n" + _encoded(BO.encode("utf-16-le")), "text"),
        ("text/plain; charset=utf-16le\n\nbo.li@example.com", "text"),
        ("text/plain; charset=undefined\n\nbo.li@example.com", "text"),
        ("text/plain; charset=no-such\nContent-Transfer-Encoding: no-such\n\nbo.li@example.com", "text"),
        ("text/plain\nContent-Transfer-Encoding: base64\n\nYm8ubGlA\n!!ZXhhbXBsZS5jb20", "text"),
        ("text/plain\nContent-Transfer-Encoding: x-uuencode\n\n" + b2a_uu(BO.encode()).decode(), "text"),
        (f'text/csv\n{_ATTACHED}="staff.csv"\n\nName,Email\nBo,bo.li@example.com', "staff.csv"),
        (f"text/csv\n{_ATTACHED}*0*=utf-8''st%C3%A4; filename*1=ff.csv\n\nbo.li@example.com", "stäff.csv"),
        (f'text/plain\n{_ATTACHED}="bo.li@example.com.txt"\n\nNothing', "bo.li@example.com.txt"),
        ("image/png\nContent-ID: <bo.li@example.com>\n\n", "image/png"),
    ],
    ids=range(11),
)
def test_a_listed_address_is_found_in_any_part(part: str, where: str) -> None:
    body = f"--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n--b\r\nContent-Type: {part}\r\n--b--\r\n"
    mail = raw(f"From: {TEAM}\nTo: {ANA}\nContent-Type: multipart/mixed; boundary=b", body)
    assert seen(mail, EVERYBODY) == {(where, BO)}


def test_a_listed_address_is_found_inside_files_inside_files() -> None:
    inner = bytes(a_mail(f"Call {CY}", To=f"{ANA}, {BO}"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("list.csv", "Name,Email\nBo,bo.li@example.com\n")
        archive.writestr("thread.eml", inner)
    mail = a_mail(To=ANA)
    mail.add_attachment(packed.getvalue(), maintype="application", subtype="zip", filename="guests.zip")
    assert seen(mail) == {("guests.zip/thread.eml/To", ANA), ("guests.zip/thread.eml/To", BO)}
    with_list = seen(mail, EVERYBODY)
    assert {("guests.zip/list.csv", BO), ("guests.zip/thread.eml/text", CY)} < with_list


@pytest.mark.parametrize("around", ["bo.li@example.com\n--b\n\nHello\n--b--", "--b\n\nHello\n--b--\nbo.li@example.com"])
def test_what_no_reader_shows_is_read(around: str) -> None:
    mail = raw(f"From: {TEAM}\nTo: {ANA}\nContent-Type: multipart/mixed; boundary=b", around)
    assert {who for _, who in seen(mail, EVERYBODY)} == {BO}


def test_of_a_distribution_lists_copy_the_reader_is_whom_the_server_delivered_it_to() -> None:
    headers = f"From: {TEAM}\nTo: all@lists.example\nDelivered-To: {ANA}\nReceived: from a by b for <{ANA}>; Mon"
    assert not seen(raw(headers, f"Dear {ANA}"), EVERYBODY)
    assert seen(raw(headers, f"Dear {BO}"), EVERYBODY) == {("text", BO)}


def test_where_nobody_knows_the_reader_every_listed_address_is_somebody_elses() -> None:
    assert seen(raw(f"From: {TEAM}\nTo: undisclosed-recipients:;", f"Dear {ANA}"), EVERYBODY) == {("text", ANA)}


def test_people_in_to_are_told_once_even_if_they_are_on_the_list() -> None:
    mail = a_mail(To=f"{ANA}, {BO}")
    leaks = judged(mail, EVERYBODY).leaks
    assert [(leak.where, leak.what) for leak in leaks] == [("To", ANA), ("To", BO)]


def test_a_calendar_is_searched_as_it_reads() -> None:
    calendar = a_calendar(ANA).replace(
        "SUMMARY:", "DESCRIPTION:With bo.li\r\n @exa\r\n mple.com\\nand others\r\nSUMMARY:"
    )
    assert seen(a_mail(To=ANA, calendar=calendar), EVERYBODY) == {("calendar", BO)}


# --- what cannot be opened --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/ms-tnef; name=winmail.dat", b"\x78\x9f\x3e\x22" + bytes(range(200))),
        ("application/pkcs7-mime; name=winmail.dat", b"MIIB"),
        ("message/partial; id=1; name=winmail.dat", b"Hello"),
    ],
    ids=["winmail.dat", "S/MIME", "partial"],
)
def test_what_cannot_be_opened_is_said_and_is_no_leak(kind: str, content: bytes) -> None:
    head = f"From: {TEAM}\nTo: {ANA}\nContent-Type: {kind}\nContent-Transfer-Encoding: base64\n\n"
    found = judged(head.encode() + base64.b64encode(content))
    assert not found.leaks
    assert [one.where for one in found.unopened] == ["winmail.dat"]


# --- hostile input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\n\n\n",
        b"To: " + b"a@b.example, " * 10 + b"\0\xff\xfe",
        b"\xff\xfeT\0o\0:\0 \0",
        b"To\n: x\nContent-Type: multipart/mixed; boundary=\n\n--\n--",
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 20_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000,
        b"Content-Type: multipart/mixed; boundary*0*=x''b; boundary*1=c; boundary*99999999=d\n\n--bc\n\nhi",
        b'Content-Type: text/plain; charset="\0"\nSubject: =?\xff?b?A?= =?utf-8?b?====?= =?zlib?q?a?=\n\nhi',
        b"Content-Type: " + b";a=" * 100_000 + b"\n\nhi",
        b"Content-Disposition: attachment; filename=" + b'"\\' * 100_000 + b"\n\nhi",
        b"Subject: " + b"=?utf-8?q?" * 50_000 + b"\n\nhi",
        b"To: " + b"=?utf-8?q?a?= " * 50_000 + b"\n\nhi",
        b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nATTENDEE"
        + b';"' * 100_000
        + b"\nATTENDEE:\nATTENDEE:mailto:\n",
        b"Content-Transfer-Encoding: base64\n\n" + b"A=" * 100_000,
        b"\n".join(b"X-%d: y" % number for number in range(50_000)) + b"\n\n",
        b"X: y\n" + b" \n" * 100_000,
    ],
    ids=range(17),
)
@pytest.mark.timeout(20)
def test_nothing_hostile_raises_or_takes_long(mail: bytes) -> None:
    judged(mail, EVERYBODY)

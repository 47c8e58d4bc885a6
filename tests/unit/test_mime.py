"""The message as bytes: one tree, one recipient, seven bits, and nothing that a value can add."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tui.invitation.mime import Attachment, Header, assemble, attachment, encoded_words, quoted_printable

DATE = datetime(2027, 4, 1, 9, 30, tzinfo=UTC)
CALENDAR = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


def header(**more: Any) -> Header:
    given: dict[str, Any] = {
        "sender": ("Team", "team@department.example"),
        "to": ("Ana Ruiz", "ana@example.org"),
        "subject": "Invitation",
        "date": DATE,
        "message_id": "<1@department.example>",
        "reference": "abc",
    }
    return Header(**(given | more))


def made(
    text: str = "Hello\n",
    html: str = "<p>Hello</p>\n",
    calendar: bytes = CALENDAR,
    attachments: tuple[Attachment, ...] = (),
    attach_ics: bool = True,
    **more: Any,
) -> bytes:
    readings = quoted_printable(text), quoted_printable(html)
    return assemble(header(**more), *readings, calendar, "REQUEST", attach_ics, attachments)


def read(raw: bytes) -> EmailMessage:
    """The standard library's reading; with a fault anywhere in it the test fails."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert part.defects == []
        for value in part.values():
            assert value.defects == ()
    return message


def plain(value: str) -> str:
    """A header's value read by the older, exacter decoder: the newer one puts spaces between encoded words."""
    return str(make_header(decode_header(value)))


def raw_headers(raw: bytes) -> list[tuple[str, str]]:
    """Every header as it stands, unfolded."""
    head = raw.partition(b"\r\n\r\n")[0].decode()
    lines = (line.partition(": ") for line in re.sub(r"\r\n([ \t])", r"\1", head).split("\r\n"))
    return [(name, value) for name, _, value in lines]


def check_lines(raw: bytes, *, utf8: bool = False) -> None:
    assert raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    assert raw.endswith(b"\r\n")
    assert utf8 or raw.isascii()
    assert b"\0" not in raw
    head, _, rest = raw.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        assert len(line) <= 998
        assert line.strip()
    for line in rest.split(b"\r\n"):
        assert len(line) <= 76 or line.startswith((b"Content-", b" filename"))
        assert len(line) <= 998


def test_the_tree_is_the_one_that_mail_programs_find_the_invitation_in() -> None:
    message = read(made(attachments=(attachment("agenda.pdf", b"%PDF"),)))
    assert message.get_content_type() == "multipart/mixed"
    alternative, ics, pdf = message.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    assert [part["Content-Type"] for part in alternative.iter_parts()] == [
        'text/plain; charset="utf-8"',
        'text/html; charset="utf-8"',
        'text/calendar; charset="UTF-8"; method="REQUEST"',
    ]
    assert [part["Content-Disposition"] for part in alternative.iter_parts()] == [None, None, None]
    assert (ics.get_content_type(), ics.get_filename(), ics.is_attachment()) == ("application/ics", "invite.ics", True)
    assert (pdf.get_content_type(), pdf.get_filename(), pdf.get_content()) == ("application/pdf", "agenda.pdf", b"%PDF")


def test_the_calendar_may_stand_without_its_copy() -> None:
    message = read(made(attach_ics=False))
    assert [part.get_content_type() for part in message.iter_parts()] == ["multipart/alternative"]


def test_the_headers_are_these_and_no_others() -> None:
    raw = made(reply_to="help@department.example", in_reply_to="<0@department.example>", language="cy")
    assert raw_headers(raw) == [
        ("From", "Team <team@department.example>"),
        ("To", "Ana Ruiz <ana@example.org>"),
        ("Subject", "Invitation"),
        ("Date", "Thu, 01 Apr 2027 09:30:00 +0000"),
        ("Message-ID", "<1@department.example>"),
        ("Reply-To", "help@department.example"),
        ("In-Reply-To", "<0@department.example>"),
        ("References", "<0@department.example>"),
        ("Content-Language", "cy"),
        ("X-Invite-Tui-Ref", "abc"),
        ("MIME-Version", "1.0"),
        ("Content-Type", 'multipart/mixed; boundary="=_invite-tui_mixed"'),
    ]
    assert parsedate_to_datetime(read(raw)["Date"]) == DATE


# --- texts ------------------------------------------------------------------------------------------------------------

ANYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=200)


@settings(max_examples=50, deadline=None)
@given(text=ANYTHING, html=ANYTHING, calendar=st.binary(max_size=300))
@example(text="=3D\t \n. \n..\nFrom x\n \n", html="=_invite-tui_mixed\n--=_invite-tui_alternative--\n", calendar=b"\n")
@example(text="a" * 76 + "\n" + "ä" * 80, html=" " * 200, calendar=b"")
def test_what_goes_in_comes_out(text: str, html: str, calendar: bytes) -> None:
    raw = made(text, html, calendar)
    check_lines(raw)
    alternative, ics = read(raw).iter_parts()
    first, second, third = alternative.iter_parts()
    for part, written in ((first, text), (second, html)):
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert payload.decode("utf-8") == written.replace("\n", "\r\n")
    assert third.get_payload(decode=True) == ics.get_payload(decode=True) == calendar


def test_quoted_printable_is_readable_where_it_can_be() -> None:
    assert quoted_printable("Hello = world\n\nZoë \n") == b"Hello =3D world\r\n\r\nZo=C3=AB=20\r\n"


# --- headers ----------------------------------------------------------------------------------------------------------

NAMES = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]),
        st.sampled_from('"\\,;:<>@()[]=?._ '),
        st.sampled_from("äж漢👩\u200d"),
    ),
    max_size=120,
).map(lambda text: " ".join(text.split()))


@settings(max_examples=60, deadline=None)
@given(name=NAMES, subject=NAMES.filter(bool))
@example(name="=?utf-8?q?Bcc=3A?=", subject="=?utf-8?b?eA==?= and =? more ?=")
@example(name='a" <eve@evil.example>, "b', subject="x" * 900)
@example(name="漢" * 120, subject="ä" * 120)
@example(name="a" * 70, subject=" ".join(["word"] * 150))
@example(name="Ruiz, Ana", subject="a")
@example(name="Dr. Ana (Room 5) Ruiz;", subject="Cancelled: " + "b" * 70)
def test_a_name_and_a_subject_come_back_as_they_were(name: str, subject: str) -> None:
    raw = made(to=(name, "ana@example.org"), sender=(name, "team@department.example"), subject=subject)
    check_lines(raw)
    message = read(raw)
    for field, wire in (("To", "ana@example.org"), ("From", "team@department.example")):
        (address,) = message[field].addresses
        assert address.addr_spec == wire
    found = dict(raw_headers(raw))
    assert len(raw_headers(raw)) == len(found) == 9
    assert plain(found["Subject"]) == subject
    written = found["To"].removesuffix("<ana@example.org>").strip()
    if written.startswith('"'):
        written = re.sub(r"\\(.)", r"\1", written[1:-1])
    assert plain(written) == name
    for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        assert len(line) <= 76 or line.startswith(b" <")


def test_a_name_that_fits_in_a_line_is_one_encoded_word_so_that_no_parser_puts_a_space_into_it() -> None:
    name = "சுந்தரி முருகன்"
    assert 39 < len(name.encode()) <= 45
    (address,) = read(made(to=(name, "ana@example.org")))["To"].addresses
    assert (address.display_name, address.addr_spec) == (name, "ana@example.org")


def test_each_encoded_word_is_whole_by_itself() -> None:
    for word in encoded_words("漢字👩\u200d👩" * 30).split("\r\n "):
        assert len(word) <= 75
        ((content, charset),) = decode_header(word)
        assert charset == "utf-8"
        content.decode("utf-8")


@pytest.mark.parametrize("control", ["\r\n", "\r", "\n", "\0", "\x1b", "\r\n ", "\x7f", "\x0b"])
@pytest.mark.parametrize(
    "where", ["sender", "to", "subject", "message_id", "reference", "reply_to", "in_reply_to", "language"]
)
def test_a_line_break_or_a_control_in_a_header_value_is_refused_and_not_hidden(where: str, control: str) -> None:
    hostile = f"x{control}Bcc: eve@evil.example"
    value = (hostile, "a@b.example") if where in ("sender", "to") else hostile
    values: list[dict[str, Any]] = [{where: value}]
    if where in ("sender", "to"):
        values.append({where: ("x", f"a@b.example{control}")})
    for more in values:
        with pytest.raises(ValueError, match="control character"):
            made(**more)


def test_a_non_ascii_address_is_written_as_it_is_for_servers_that_take_it() -> None:
    raw = made(to=("Zoë", "zoë@example.org"))
    check_lines(raw, utf8=True)
    assert "\r\n <zoë@example.org>\r\n".encode() in raw


def test_a_long_address_still_fits_a_header() -> None:
    check_lines(made(to=("A" * 60, "a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".example")))


# --- attachments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("agenda.pdf", "application/pdf"),
        ("AGENDA.PDF", "application/pdf"),
        ("map.png", "image/png"),
        ("plan.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("notes.txt", 'text/plain; charset="utf-8"'),
        ("page.html", 'text/html; charset="utf-8"'),
        ("other.ics", "application/ics"),
        ("mail.eml", "application/octet-stream"),
        ("archive.tar.gz", "application/octet-stream"),
        ("README", "application/octet-stream"),
        (".pdf", "application/octet-stream"),
    ],
)
def test_the_type_of_an_attachment_comes_from_its_name(name: str, kind: str) -> None:
    content = "Zoë\n".encode()
    (_, _, part) = read(made(attachments=(attachment(name, content),))).iter_parts()
    assert part["Content-Type"] == kind
    assert part.get_payload(decode=True) == content
    assert part["Content-Disposition"].content_disposition == "attachment"


def test_a_text_in_another_encoding_is_not_called_utf_8() -> None:
    (_, _, part) = read(made(attachments=(attachment("notes.txt", b"Zo\xeb\n"),))).iter_parts()
    assert (part.get_content_type(), part.get_content()) == ("application/octet-stream", b"Zo\xeb\n")


FILE_NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=80).filter(
    lambda name: name == name.strip()
)


@settings(max_examples=50, deadline=None)
@given(name=FILE_NAMES, content=st.binary(max_size=200))
@example(name='a"; name="b.exe', content=b"")
@example(name="résumé 漢字 👩.pdf", content=b"x" * 57)
@example(name="../../etc/passwd", content=b"\r\n.\r\n")
@example(name="a%20b.pdf", content=b"--=_invite-tui_mixed--")
@example(name="x" * 255, content=b"y" * 1000)
@example(name="\\", content=b"")
def test_an_attachments_name_and_content_come_back_as_they_were(name: str, content: bytes) -> None:
    raw = made(attachments=(attachment(name, content),))
    check_lines(raw)
    (_, _, part) = read(raw).iter_parts()
    assert part.get_filename() == name
    assert part.get_payload(decode=True) == content


@pytest.mark.parametrize("name", ["a\r\nBcc: eve@evil.example", "a\nb.pdf", "a\0.pdf"])
def test_a_line_break_in_a_file_name_adds_nothing(name: str) -> None:
    raw = made(attachments=(attachment(name, b"x"),))
    check_lines(raw)
    assert b"\r\nBcc" not in raw
    assert len(list(read(raw).iter_parts())) == 3


# --- the slow way -----------------------------------------------------------------------------------------------------


def test_the_standard_library_writes_the_same_message() -> None:
    text, html = "Grüße,\n=20 und mehr\n.\n" + "lang " * 40 + "\n", "<p>Grüße & mehr</p>\n" * 20
    slow = EmailMessage(policy=SMTP)
    slow["From"] = "Team <team@department.example>"
    slow["To"] = "Zoë Ruiz <ana@example.org>"
    slow["Subject"] = "Einladung: Grüße"
    slow.set_content(text)
    slow.add_alternative(html, subtype="html")
    slow.add_alternative(CALENDAR.decode(), subtype="calendar", cte="base64", params={"method": "REQUEST"})
    slow.make_mixed()
    slow.add_attachment(CALENDAR, maintype="application", subtype="ics", filename="invite.ics")
    slow.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Übersicht.pdf")
    fast = made(
        text,
        html,
        to=("Zoë Ruiz", "ana@example.org"),
        subject="Einladung: Grüße",
        attachments=(attachment("Übersicht.pdf", b"%PDF"),),
    )
    theirs, ours = read(slow.as_bytes()), read(fast)
    for name in ("From", "To", "Subject"):
        assert ours[name] == theirs[name]

    def leaves(message: EmailMessage) -> list[tuple[str, str | None, object]]:
        return [
            (part.get_content_type(), part.get_filename(), part.get_payload(decode=True))
            for part in message.walk()
            if not part.is_multipart()
        ]

    assert leaves(ours) == leaves(theirs)

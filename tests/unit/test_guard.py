"""The guard, by what it says of final bytes. The base is always a real message; then it is tampered with."""

import copy
import hashlib
import pickle
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from quopri import encodestring
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.making import a_wording, an_attendee, an_event, compose
from tui.event import Organizer
from tui.guard import Cleared, Leak, Roll, clear, inspection, reading
from tui.guard.hashes import Marks
from tui.invitation.calendar import fold

ANA = "ana@example.org"
BO = "bo.li@example.com"
ORGANIZER = "consultations@department.example"
COMMON = "Pathways to Work Microsoft Teams No preparation is needed. Consultation team Please come: Dear"
BODY = "Dear {{ name }},\n\nPlease **come**: {{ event.join_url }}\n\nWrite to {{ organizer.email }}.\n"


def a_roll(*more: str, internal: tuple[str, ...] = (), common: str = COMMON) -> Roll:
    return Roll([ANA, BO, *more], internal, [ORGANIZER], common)


WORDING = a_wording(BODY)
MESSAGE = compose(WORDING).raw


def a_message(**facts: Any) -> bytes:
    """Ana's message, of another event where facts are said."""
    return compose(WORDING, event=an_event(**facts)).raw if facts else MESSAGE


def judged(raw: bytes, roll: Roll | None = None, *, own: str = "") -> tuple[Leak, ...]:
    """What the guard has against the message; nothing where it is cleared."""
    said = clear(raw, ANA, roll or a_roll(), own)
    return () if isinstance(said, Cleared) else said


def names_bo(leaks: tuple[Leak, ...]) -> bool:
    return any(leak.what == BO for leak in leaks)


def with_header(line: str) -> bytes:
    return line.encode() + b"\r\n" + a_message()


def with_text(content: bytes, encoding: str = "quoted-printable", kind: str = "text/plain; charset=utf-8") -> bytes:
    """The message with another body in place of its plain text."""
    part = b"Content-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b\r\n" % (
        *(kind.encode(), encoding.encode()),
        content,
    )
    return re.sub(
        rb"Content-Type: text/plain.*?(?=--=_invite-tui_alternative)", lambda _: part, a_message(), flags=re.DOTALL
    )


def with_html(content: str) -> bytes:
    return with_text(b64encode(content.encode()), "base64", "text/html; charset=utf-8")


def with_calendar(change: tuple[str, str], *, which: str = "both") -> bytes:
    """The message with other words in its calendar object, folded anew; `which`: calendar, copy or both."""
    raw = a_message()
    found = re.search(rb"text/calendar[^\r]*\r\n[^\r]*\r\n\r\n(.*?)\r\n--", raw, re.DOTALL)
    assert found
    lines = re.sub(r"\r\n ", "", b64decode(found[1]).decode()).split("\r\n")
    assert change[0] in "\n".join(lines)
    changed = "\n".join(lines).replace(*change).split("\n")
    body = b64encode(b"".join(fold(line) for line in changed if line))
    pieces = raw.split(found[1])
    return {"calendar": body, "copy": found[1], "both": body}[which].join(pieces[:2]) + (
        {"calendar": found[1], "copy": body, "both": body}[which] + pieces[2]
    )


def with_part(content: bytes, head: str = 'Content-Disposition: attachment;\r\n filename="notes.txt"') -> bytes:
    """The message with one more attachment."""
    part = (
        f"--=_invite-tui_mixed\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n{head}\r\n\r\n"
    ).encode()
    return a_message().replace(b"--=_invite-tui_mixed--", part + b64encode(content) + b"\r\n--=_invite-tui_mixed--")


# --- what is cleared --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Ana Ruiz", "", "Dr. Ana (Ruiz)", 'Ana "A" Ruiz', "مريم الخطيب", "Ana\\Ruiz", "x" * 90]
)
def test_a_message_as_we_compose_it_is_cleared(name: str) -> None:
    raw = compose(BODY.replace("{{ name }}", "{{ email }}"), an_attendee(name=name)).raw
    said = clear(raw, ANA, a_roll())
    assert isinstance(said, Cleared)
    assert (said.raw, said.recipient, said.digest) == (raw, ANA, hashlib.sha256(raw).hexdigest())


def test_an_organizer_whose_name_is_an_address_is_no_leak() -> None:
    assert not judged(a_message(organizer=Organizer(ORGANIZER, ORGANIZER)))


def test_what_everybody_is_meant_to_see_is_no_leak_even_if_it_is_on_the_list() -> None:
    assert not judged(a_message(), a_roll(ORGANIZER))


def test_an_address_that_only_ends_like_anothers_is_no_leak() -> None:
    roll = a_roll("li@example.com", "o'ana@example.org", "ruiz@example.org")
    assert not judged(with_text(b"Ask anne.li@example.com or x-li@example.com"), roll)
    raw = compose(WORDING, an_attendee(address="o'ruiz@example.org")).raw
    assert isinstance(clear(raw, "o'ruiz@example.org", Roll(["o'ruiz@example.org", "ruiz@example.org"])), Cleared)


def test_the_recipients_own_address_is_theirs_in_every_spelling() -> None:
    assert not judged(with_text(b"ANA@example.org, ana+x@EXAMPLE.ORG, %61na%40example.org, mailto:ana@example.org"))


# --- the envelope -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "to",
    [
        b"<bo.li@example.com>",
        b"Ana Ruiz <ana@example.org>, <bo.li@example.com>",
        b"Ana Ruiz <ana@example.org>, Bo <nobody@example.net>",
        b"Guests: ana@example.org;",
        b"undisclosed-recipients:;",
        b"Ana Ruiz <ana@example.org> (and others)",
        b"Ana Ruiz <ANA@example.org>",
        b"Ana Ruiz <ana@example.org> <bo.li@example.com>",
        b"Ana Ruiz <@relay.example:ana@example.org>",
        b"",
    ],
)
def test_to_is_the_recipient_and_nobody_else(to: bytes) -> None:
    leaks = judged(a_message().replace(b"Ana Ruiz <ana@example.org>", to, 1))
    assert any(leak.where == "To" for leak in leaks)


@pytest.mark.parametrize(
    "header",
    [
        *(
            "Cc: ana@example.org",
            "Bcc: ana@example.org",
            "bCC:",
            "Resent-To: ana@example.org",
            "Resent-Bcc: x@y.example",
        ),
        *("To: ana@example.org", "From: x@y.example", "Apparently-To: ana@example.org", "X-Anything: at all"),
        *(
            "Sender: x@y.example",
            "Disposition-Notification-To: x@y.example",
            "Subject: another",
            "Errors-To: x@y.example",
        ),
    ],
)
def test_a_header_that_is_not_ours_or_is_there_twice_is_a_leak(header: str) -> None:
    name = header.partition(":")[0]
    assert [leak.where for leak in judged(with_header(header))][:1] == [name] or name in ("To", "From", "Subject")
    assert judged(with_header(header))


@pytest.mark.parametrize("name", [b"To", b"From"])
def test_a_message_without_to_or_from_is_not_cleared(name: bytes) -> None:
    raw = re.sub(rb"(?m)^%b: .*\r\n" % name, b"", a_message())
    assert [leak.where for leak in judged(raw)] == [name.decode()]


@pytest.mark.parametrize(
    "value", ["x@y.example, z@y.example", "Team: x@y.example;", "nobody", "A <x@y.example> <z@y.example>"]
)
@pytest.mark.parametrize("name", ["From", "Reply-To"])
def test_from_and_reply_to_hold_one_address(name: str, value: str) -> None:
    raw = re.sub(rb"(?m)^From: .*\r\n", b"", a_message()) if name == "From" else a_message()
    assert any(leak.where == name for leak in judged(f"{name}: {value}\r\n".encode() + raw))


def test_a_header_of_a_part_that_is_not_ours_is_a_leak() -> None:
    raw = a_message().replace(
        b"Content-Type: multipart/alternative", b"Bcc: x@y.example\r\nContent-Type: multipart/alternative"
    )
    assert [leak.where for leak in judged(raw)] == ["Bcc"]


# --- the calendar object ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["calendar", "copy"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (":mailto:ana@example.org", ":mailto:bo.li@example.com"),
        (":mailto:ana@example.org", ":mailto:ana@example.org\nATTENDEE:mailto:nobody@example.net"),
        (":mailto:ana@example.org", ":mailto:ana@example.org\nattendee;CN=Bo:mailto:nobody@example.net"),
        (":mailto:ana@example.org", ":mailto:nobody@example.net"),
        (":mailto:ana@example.org", ":mailto:ana@example.org,mailto:nobody@example.net"),
        ("ATTENDEE;", "X-ATTENDEE;"),
        ("METHOD:REQUEST", "METHOD:CANCEL"),
        ("METHOD:REQUEST", "METHOD:REQUEST\nMETHOD:PUBLISH"),
        ("METHOD:REQUEST\n", ""),
    ],
)
def test_the_calendar_object_is_the_recipients_alone(old: str, new: str, which: str) -> None:
    leaks = judged(with_calendar((old, new), which=which))
    assert leaks and {leak.where for leak in leaks} <= {"calendar", "invite.ics"}


def test_the_method_is_the_one_that_the_part_declares() -> None:
    assert judged(a_message().replace(b"method=REQUEST", b"method=CANCEL"))
    assert judged(a_message().replace(b"; method=REQUEST", b""))[:1] == ()


@pytest.mark.parametrize(
    "words",
    [
        "DESCRIPTION:Ask bo.li@example.com\\, please",
        "DESCRIPTION:Guests:\\nbo.li@example.com\\nana@example.org",
        "DESCRIPTION:Guests:\\Nbo.li@example.com",
        f"DESCRIPTION:{'x' * 50} bo.li@example.com",
        'X-GUESTS;LIST="bo.li@example.com":2',
        'ORGANIZER;CN="x^nbo.li@example.com":mailto:consultations@department.example',
        "CONTACT:mailto:BO.LI@EXAMPLE.COM",
    ],
)
def test_another_address_in_the_calendar_object_is_a_leak_also_where_it_is_folded_or_escaped(words: str) -> None:
    for pad in range(0, 12, 3):
        leaks = judged(with_calendar(("STATUS:CONFIRMED", f"STATUS:CONFIRMED\nX-PAD:{'p' * pad}\n{words}")))
        assert names_bo(leaks)


# --- other people's addresses -----------------------------------------------------------------------------------------

SPELLINGS = {
    "plain": BO,
    "case": "Bo.Li@EXAMPLE.com",
    "tag": "bo.li+work@example.com",
    "entities": "bo&#46;li&#x40;example&period;com",
    "named entity": "bo.li&commat;example.com",
    "twice escaped": "bo.li&amp;#64;example.com",
    "percent": "bo.li%40example.com",
    "all percent": "".join(f"%{ord(char):02x}" for char in BO),
    "twice percent": "bo.li%2540example.com",
    "in a link": "https://x.example/?u=bo.li@example.com&v=1",
    "in a query": "https://x.example/?q=mail+bo.li@example.com",
    "mailto": "mailto:bo.li@example.com?subject=x",
    "zero width": "bo.li\u200b@\u2060exam\u00adple.com",
    "filler": "bo.li\u3164@example.com",
    "variation selector": "bo\ufe0f.li@example.com",
    "full width": "ｂｏ．ｌｉ＠ｅｘａｍｐｌｅ．ｃｏｍ",
    "small at": "bo.li\ufe6bexample.com",
    "ideographic stop": "bo.li@example。com",
    "within Chinese": "请联系bo.li@example.com谢谢",
    "a sentence follows": "Write to bo.li@example.com.Thanks",
    "emphasised": "_bo.li@example.com_ *bo.li@example.com*",
    "quoted": "'bo.li@example.com'",
    "brackets": "[bo.li@example.com](bo.li@example.com)",
    "hyphens": "--bo.li@example.com--",
    "backslash": "bo\\.li@example.com",
    "base64": b64encode(b"guest=bo.li@example.com").decode(),
    "base64 for links": urlsafe_b64encode(b"guest??>bo.li@example.com").decode().rstrip("="),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_another_address_is_found_in_any_spelling(spelling: str) -> None:
    assert names_bo(judged(with_text(encodestring(f"Guests: {spelling} and more".encode()).replace(b"\n", b"\r\n"))))
    assert names_bo(judged(with_text(b64encode(f"<p>{spelling}</p>".encode()), "base64", "text/html; charset=utf-8")))
    assert names_bo(judged(with_part(spelling.encode())))


@pytest.mark.parametrize(
    ("on_the_list", "spelling"),
    [
        ("bo+conference@example.com", "bo@example.com"),
        ("bo@xn--bcher-kva.example", "bo@bücher.example"),
        ("bo@xn--bcher-kva.example", "bo@bu\u0308cher.example"),
        ("bo@xn--bcher-kva.example", "BO@XN--BCHER-KVA.example"),
        ("bo@bücher.example", "bo@xn--bcher-kva.example"),
        ("josé@example.com", "JOSÉ@example.com"),
        ("josé@example.com", "jose\u0301@example.com谢谢"),
        ("ν@xn--p1b6ci4b4b3a.example", "ν@उदाहरण.example"),
    ],
)
def test_another_address_is_found_in_the_other_spelling_of_its_letters(on_the_list: str, spelling: str) -> None:
    if "xn--p1b" in on_the_list:
        on_the_list = "ν@" + "उदाहरण".encode("idna").decode() + ".example"
    assert judged(with_text(b64encode(f"see {spelling}".encode()), "base64"), a_roll(on_the_list))


@pytest.mark.parametrize(
    "html",
    [
        "bo.li<b>@</b>example.com",
        "bo.li<wbr>@<!-- > -->example.com",
        "<td>bo.li</td><td>@example.com</td>",
        '<p title="a > b">bo</p><i class="x">.li@example.com</i>',
        "bo.li<span\n class=x\n>@example.com</span>",
        "bo.li&lt;b&gt;@example.com".replace("&lt;", "<").replace("&gt;", ">"),
        "<!-- bo.li@example.com -->",
        '<img alt="bo.li@example.com">',
        '<a href="data:text/plain;base64,Z3Vlc3RzOiBiby5saUBleGFtcGxlLmNvbQ==">x</a>',
        '<div style="display:none">bo.li@example.com</div>',
        "<script>x = 'bo.li@example.com'</script>",
        "<style>a > b { }\n</style>\n<p>bo.li<b\n>@example.com</b></p>",
    ],
)
def test_another_address_is_found_however_markup_parts_it(html: str) -> None:
    assert names_bo(judged(with_html(f"<p>Dear Ana</p>\n{html}\n<p>Bye</p>")))


def test_another_address_is_found_across_soft_breaks() -> None:
    assert names_bo(judged(with_text(b"bo.li@exam=\r\nple=2Ecom")))
    assert names_bo(judged(with_text(b"bo.li@exam= \t\r\nple=2Ecom")))


@pytest.mark.parametrize(
    "subject",
    [
        BO,
        "=?utf-8?q?bo=2Eli=40example.com?=",
        "=?utf-8?b?" + b64encode(b"bo.li").decode() + "?=\r\n =?utf-8?q?=40example.com?=",
        "bo.li@exam\r\n ple.com =?utf-8?q?x?=".replace("exam\r\n ple", "example"),
        "bo.li=?utf-8?q?=40?=example.com",
    ],
)
def test_another_address_is_found_in_a_header_however_it_is_encoded(subject: str) -> None:
    raw = re.sub(rb"(?m)^Subject: .*\r\n", lambda _: f"Subject: {subject}\r\n".encode(), a_message())
    assert names_bo(judged(raw))


@pytest.mark.parametrize(
    "head",
    [
        'Content-Disposition: attachment; filename="bo.li@example.com.pdf"',
        "Content-Disposition: attachment; filename*=utf-8''bo.li%40example.com",
        'Content-Disposition: attachment; filename="=?utf-8?q?bo.li=40example.com?="',
        "Content-Disposition: attachment; filename=\"a.txt\"; filename*=utf-8''bo.li%40example.com",
        'Content-Disposition: attachment; filename="bo\\.li@example.com"',
    ],
)
def test_another_address_is_found_in_a_file_name(head: str) -> None:
    leaks = judged(with_part(b"hello", head))
    assert names_bo(leaks) and any("bo.li" in leak.where for leak in leaks)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-8-sig", "latin-1"])
def test_another_address_is_found_in_a_file_in_any_encoding(codec: str) -> None:
    assert names_bo(judged(with_part(f"Name;Mail\nBö;{BO}\n".encode(codec))))


def test_another_address_is_found_in_a_binary_file() -> None:
    assert names_bo(judged(with_part(b"%PDF-1.7\x00\xff\xfe/Author(" + BO.encode() + b")\x01\x02")))


def test_another_address_is_found_in_a_boundary() -> None:
    raw = a_message().replace(b"=_invite-tui_alternative", b"bo.li@example.com")
    assert names_bo(judged(raw))


def test_another_address_is_found_between_the_parts() -> None:
    raw = a_message()
    assert names_bo(judged(raw.replace(b"\r\n\r\n--=_invite", b"\r\n\r\nbo.li@example.com\r\n--=_invite", 1)))
    assert names_bo(judged(raw + b"bo.li@example.com\r\n"))
    assert names_bo(judged(raw.replace(b"alternative--\r\n", b"alternative--\r\nbo.li@example.com\r\n", 1)))


@settings(max_examples=100, deadline=None)
@given(
    local=st.from_regex(r"[a-z0-9]{1,8}([.+_'-][a-z0-9]{1,6})?", fullmatch=True),
    before=st.text(alphabet=' \n:;<>(),"/=?&*|~!', max_size=3),
    after=st.text(alphabet=' \n:;<>(),"/=?&*|~!._', max_size=3),
)
def test_any_address_is_found_whatever_punctuation_stands_around_it(local: str, before: str, after: str) -> None:
    text = f"x{before or ' '}{local}@example.net{after or ' '}y".encode()
    assert judged(with_text(b64encode(text), "base64"), a_roll(f"{local}@example.net"))


@pytest.mark.parametrize(
    "cell", ["Bo <bo.li@example.com>", "cy@example.net; bo.li@example.com", "bo.li@@example.com", " bo.li@example.com,"]
)
def test_who_is_named_in_a_cell_that_is_no_address_is_protected_too(cell: str) -> None:
    assert names_bo(judged(with_text(b"Ask bo.li@example.com"), Roll([ANA, cell])))


# --- internal columns -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "You were drawn in Lottery draw 4.",
        "LOTTERY  draw\n4",
        "lottery_draw-4",
        "Lottery draw&nbsp;4",
        "Lot\u200btery draw 4",
        "https://x.example/?from=Lottery%20draw%204",
        "ref=" + b64encode(b"Lottery draw 4").decode(),
    ],
)
def test_a_value_of_an_internal_column_is_found(text: str) -> None:
    leaks = judged(with_text(b64encode(text.encode()), "base64"), a_roll(internal=("Lottery draw 4",)))
    assert [leak.what for leak in leaks] == ["lottery draw 4"]


@pytest.mark.parametrize(
    "html",
    [
        "<b>Lottery</b> draw <i>4</i>",
        '<td class="a">Lottery</td><td>draw 4</td>',
        "Lot<wbr>tery draw 4",
        '<a title="Lottery draw 4">x</a>',
        "<!-- Lottery draw 4 -->",
        "<p>Lottery\ndraw 4</p>",
    ],
)
def test_a_value_of_an_internal_column_is_found_in_markup(html: str) -> None:
    assert judged(with_html(html), a_roll(internal=("Lottery draw 4",)))


@pytest.mark.parametrize("value", ["内部資料案件", "ลับมากจริง", "추첨대상자", "Zoë – réservé", "संवेदनशील"])
def test_a_value_is_found_in_scripts_of_all_sorts(value: str) -> None:
    assert judged(
        with_text(
            b64encode(
                f"これは{value}です".encode()
                if value[0] > "\u2e80" or "ก" <= value[0] < "๿"
                else f"It says {value}.".encode()
            ),
            "base64",
        ),
        a_roll(internal=(value,)),
    )


def test_a_value_is_found_in_the_subject_the_calendar_a_file_and_a_file_name() -> None:
    roll = a_roll(internal=("Lottery draw 4",))
    subject = re.sub(rb"(?m)^Subject: .*\r\n", b"Subject: =?utf-8?q?Lottery_draw_4?=\r\n", a_message())
    name = 'Content-Disposition: attachment; filename="Lottery draw 4.txt"'
    for raw in (
        subject,
        with_calendar(("STATUS:CONFIRMED", "STATUS:CONFIRMED\nCOMMENT:Lottery\\, draw\\n4")),
        with_part("Group: Lottery draw 4".encode("utf-16")),
        with_part("Prénom; Lottery draw 4".encode("cp1252")),
        with_part(b"hello", name),
        a_message() + b"Lottery draw 4\r\n",
    ):
        assert any(leak.what == "lottery draw 4" for leak in judged(raw, roll))


def test_a_value_may_not_leave_to_its_own_attendee_either() -> None:
    attendee = an_attendee({"Role": "Lone parent"}, internal=["Role"])
    raw = compose("Dear {{ name }}, you come as Lone parent.", attendee).raw
    assert judged(raw, a_roll(internal=("Lone parent",)))


@pytest.mark.parametrize(
    "value",
    [
        # of the formats themselves
        *("True", "Confirmed", "Individual", "Participant", "Request", "Action", "Organizer", "Attendee", "Calendar"),
        *(
            "Plain",
            "Mixed",
            "Alternative",
            "Strong",
            "Title",
            "Meta",
            "Text",
            "Charset",
            "Boundary",
            "Invite",
            "Base64",
        ),
        *(
            "Opaque",
            "Gregorian",
            "Description",
            "Location",
            "Summary",
            "Sequence",
            "Application",
            "Attachment",
            "Quoted",
        ),
        *("2026", "2027", "Thu", "Printable", "mailto", "Needs action", "href"),
        # of the event and the wording
        *("Teams", "Work", "Department", "consultation", "example", "preparation", "Please"),
        # too little to mean anything
        *("Yes", "No", "A 4", "...", "—", ""),
    ],
)
def test_ordinary_words_are_no_false_alarm(value: str) -> None:
    layout = "<html><head><title>x</title><meta charset='utf-8'></head><body>{{ content }}</body></html>"
    wording = a_wording(BODY + "\n| a | b |\n|:-:|--:|\n| c | d |\n", layout=layout)
    raw = compose(wording, event=an_event(join_url="https://teams.example/x")).raw
    common = f"{COMMON} Thursday 6 May 2027 https://teams.example/x content body"
    assert not judged(raw, a_roll(internal=(value,), common=common))


def test_what_is_too_short_to_mean_anything_is_no_value_wherever_it_stands() -> None:
    assert not judged(
        with_text(b"Yes, in room A 4, not B-12."), a_roll(internal=("Yes", "A 4", "B12", "4", "room")[:4])
    )
    assert judged(with_text(b"Yes, in room A 4."), a_roll(internal=("room",)))


def test_a_format_word_is_still_a_leak_where_somebody_wrote_it() -> None:
    roll = a_roll(internal=("Confirmed", "Individual"))
    assert judged(with_text(b"Your place: CONFIRMED"), roll)
    assert judged(with_calendar(("DESCRIPTION:", "DESCRIPTION:Individual ")), roll)


def test_what_also_stands_in_the_attendees_other_columns_is_theirs() -> None:
    raw, roll = with_text(b"Your town: Lower Hutt"), a_roll(internal=("Lower Hutt",))
    assert judged(raw, roll)
    assert not judged(raw, roll, own="Ana Ruiz\nLower Hutt, NZ")
    assert judged(raw, roll, own="Lower\nHutt"), "two cells are not one value"


def test_a_part_of_a_word_is_no_value() -> None:
    assert not judged(with_text(b"The carers and caretakers"), a_roll(internal=("Care", "Carer")))


def test_the_structure_of_a_binary_file_is_no_value() -> None:
    leaks = judged(with_part(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n<< /Parent 3 0 R >>\x00\x01"), a_roll(internal=("Parent",)))
    assert all("Parent" not in leak.message for leak in leaks)


# --- what cannot be read ----------------------------------------------------------------------------------------------


def _nested(kind: str) -> bytes:
    return a_message().replace(b"Content-Type: multipart/alternative;", f"Content-Type: {kind};".encode())


UNREADABLE = {
    "nothing": b"",
    "no body": b"To: ana@example.org\r\n",
    "bare line feeds": a_message().replace(b"\r\n", b"\n"),
    "one bare line feed": a_message().replace(b"Dear", b"Dear\n--x", 1),
    "one bare carriage return": a_message().replace(b"Dear", b"Dear\r", 1),
    "a NUL": a_message().replace(b"Dear", b"De\0ar", 1),
    "a line that is no header": with_header("hello"),
    "space before the colon": with_header("To : x"),
    "a header that begins with a space": b" x\r\n" + a_message(),
    "binary headers": with_header("X").replace(b"X\r\n", b"Subject: \xff\xfe\r\n"),
    "an unknown character set in a word": with_header("Subject: =?rot13?q?ob.yv?="),
    "a Python codec in a word": with_header("Subject: =?unicode_escape?q?bo?="),
    "a word with spaces in it": with_header("Subject: =?utf-8?q?bo.li =40example.com?="),
    "a word of broken base64": with_header("Subject: =?utf-8?b?Ym8=x?="),
    "no closing boundary": a_message().replace(b"--=_invite-tui_mixed--", b""),
    "a part after the last": a_message() + b"--=_invite-tui_mixed\r\n\r\nx\r\n--=_invite-tui_mixed--\r\n",
    "a boundary that goes on": a_message().replace(b"Dear", b"\r\n--=_invite-tui_alternativeX\r\n", 1),
    "a boundary that a part hides behind": a_message().replace(
        b"Dear", b"\r\n--=_invite-tui_alternativeXXContent-Type: text/plain\r\n\r\nDear", 1
    ),
    "a multipart without a boundary": a_message().replace(b';\r\n boundary="=_invite-tui_mixed"', b""),
    "two boundaries": a_message().replace(
        b';\r\n boundary="=_invite-tui_mixed"', b';boundary=x;boundary="=_invite-tui_mixed"'
    ),
    "a comment in the type": a_message().replace(b"multipart/mixed;", b"multipart/mixed (x);"),
    "a digest": _nested("multipart/digest"),
    "a signed multipart": _nested("multipart/signed"),
    "an encoded multipart": a_message().replace(
        b"Content-Type: multipart/alt", b"Content-Transfer-Encoding: base64\r\nContent-Type: multipart/alt"
    ),
    "two types": a_message().replace(
        b"Content-Type: text/html", b"Content-Type: text/plain\r\nContent-Type: text/html"
    ),
    "a message in the message": with_text(b"To: bo.li@example.com\r\n\r\nx", "7bit", "message/rfc822"),
    "part of a message": with_text(b"x", "7bit", 'message/partial; id="x"'),
    "a piece of a parameter": with_part(
        b"x", "Content-Disposition: attachment; filename*0=bo.li; filename*1=@example.com"
    ),
    "a strange disposition": with_part(b"x", "Content-Disposition: form-data; filename=x"),
    "uuencode": with_text(b"begin 644 x", "x-uuencode"),
    "broken base64": with_text(b"Ym8=Ym8=", "base64"),
    "base64 with spaces": with_text(b"Ym8u bGk=", "base64"),
    "UTF-7": with_text(b"bo.li+AEA-example.com", "7bit", "text/plain; charset=utf-7"),
    "UTF-16": with_text(b64encode(BO.encode("utf-16")), "base64", "text/plain; charset=utf-16"),
    "text that is not UTF-8": with_text(b64encode(b"\xff\xfe\xfd"), "base64"),
    "too deep": a_message(),
}
UNREADABLE["too deep"] = b"".join(
    [
        re.sub(rb"(?s)Content-Type: multipart/mixed.*", b"", a_message()),
        *(b'Content-Type: multipart/mixed; boundary="b%d-"\r\n\r\n--b%d-\r\n' % (n, n) for n in range(9)),
        b"Content-Type: text/plain\r\n\r\nx",
        *(b"\r\n--b%d---" % n for n in reversed(range(9))),
        b"\r\n",
    ]
)


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE)
def test_what_two_programs_could_read_in_two_ways_is_not_cleared(raw: bytes) -> None:
    leaks = judged(raw)
    assert leaks
    assert any("cannot be read back" in leak.message for leak in leaks)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_bytes_get_a_verdict_and_never_an_exception(data: st.DataObject) -> None:
    raw = bytearray(a_message())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    said = clear(bytes(raw), ANA, a_roll(internal=("Lottery draw 4",)))
    assert isinstance(said, Cleared) or said


# --- each check counts ------------------------------------------------------------------------------------------------

ONE_FOR_EACH_CHECK = {
    "read": UNREADABLE["one bare line feed"],
    "envelope": with_header("Bcc: nobody@example.net"),
    "calendars": with_calendar(("ATTENDEE;", "ATTENDEE:mailto:nobody@example.net\nATTENDEE;")),
    "_people_and_values": with_text(b"bo.li@example.com"),
}


@pytest.mark.parametrize("check", ONE_FOR_EACH_CHECK)
def test_every_check_is_the_only_one_that_catches_something(check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = ONE_FOR_EACH_CHECK[check]
    assert judged(raw)
    if check == "read":
        monkeypatch.setattr(inspection, "read", lambda raw: reading.read(re.sub(rb"\r?\n", b"\r\n", raw)))
    else:
        monkeypatch.setattr(inspection, check, lambda *_: ())
    assert not judged(raw)


def test_a_mark_is_found_where_it_was_put_and_nowhere_between() -> None:
    marks = Marks()
    one, other = bytes(range(16)), bytes([0, 1]) + bytes(range(40, 54))
    marks.add(one)
    marks.add(other)
    assert one in marks and other in marks
    # The end of one and the beginning of the next, in the bucket of both.
    between = [(one + other)[at : at + 16] for at in range(1, 16)]
    assert not any(mark in marks for mark in [*between, bytes(16), bytes([0, 1]) + bytes(14)])
    repeated = bytes([0, 1] * 8)
    marks.add(repeated)
    marks.add(repeated[:8] + bytes(range(60, 68)))
    assert repeated[2:] + bytes([0, 1]) in marks and bytes([0, 1] * 4) + bytes(8) not in marks


# --- the seal ---------------------------------------------------------------------------------------------------------


def test_only_the_guard_can_make_what_is_cleared() -> None:
    with pytest.raises(TypeError):
        Cleared(object(), b"", ANA, "")


def test_what_is_cleared_cannot_be_changed_copied_or_imitated() -> None:
    said = clear(a_message(), ANA, a_roll())
    assert isinstance(said, Cleared)
    for name in ("raw", "recipient", "digest", "other"):
        with pytest.raises(AttributeError):
            setattr(said, name, BO)
    with pytest.raises(AttributeError):
        del said.raw
    for copying in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copying(said)
    with pytest.raises(TypeError):
        type("Mine", (Cleared,), {})


def test_bytes_that_could_still_be_changed_are_not_what_is_cleared() -> None:
    raw = bytearray(a_message())
    said = clear(raw, ANA, a_roll())  # type: ignore[arg-type]  # what is no bytes
    raw[:4] = b"Bcc:"
    assert isinstance(said, Cleared) and not said.raw.startswith(b"Bcc")


def test_a_leak_is_named_once_with_its_place_and_value() -> None:
    leaks = judged(with_text(b"bo.li@example.com, bo.li@example.com"))
    assert leaks == (Leak("text", BO, f"{BO}, another attendee's address, is in it."),)


def test_what_is_remembered_of_one_message_does_not_hide_it_in_the_next() -> None:
    roll = a_roll(internal=("Lottery draw 4",))
    leaky, clean = with_text(b"bo.li@example.com\r\nLottery\r\ndraw 4"), a_message()
    for raw, count in [(clean, 0), (leaky, 2), (clean, 0), (leaky, 2)] * 2:
        assert len(judged(raw, roll)) == count
    assert isinstance(clear(compose(WORDING, an_attendee(address=BO)).raw, BO, roll), Cleared), "to Bo it is his own"

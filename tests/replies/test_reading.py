"""What a mail says, in the shapes that programs and people write; and that no mail breaks the reader."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.replies import mails
from tui.audit.reading import read as parsed
from tui.replies.itip import answers_in
from tui.replies.reading import Reading, read
from tui.replies.requests import judge
from tui.replies.words import own_words, text_of_html

UID = "4706c9975b90c4673dac31eb2ea83c4453b11c13@department.example"
ANA = "ana@example.org"
OWN = {ANA, mails.ORGANIZER}


def reading(raw: bytes) -> Reading:
    return read(parsed(raw), raw)


# --- answers of calendars ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(mails.by_google(UID, ANA, "ACCEPTED"), "ACCEPTED", id="Google"),
        pytest.param(mails.by_outlook(UID, ANA, "DECLINED"), "DECLINED", id="Outlook"),
        pytest.param(mails.by_apple(UID, ANA, "TENTATIVE"), "TENTATIVE", id="Apple"),
    ],
)
def test_an_answer_is_found_in_every_shape_and_counted_once(raw: bytes, status: str) -> None:
    found = reading(raw)
    (answer,) = found.answers
    attendee = answer.of(found.sender)
    assert attendee is not None and (attendee.address.lower(), attendee.status) == (ANA, status)
    assert (answer.uid, found.sender) == (UID, ANA)
    assert answer.stamp is not None and answer.stamp.tzinfo is UTC


def test_the_object_believes_itself_and_not_its_part() -> None:
    calendar = mails.a_reply(UID, ANA, method="REQUEST")
    assert not [*answers_in(calendar, "REPLY")]
    assert [*answers_in(calendar.replace("METHOD:REQUEST\r\n", ""), "reply")]


def test_folded_grouped_and_escaped_lines_are_read() -> None:
    calendar = mails.a_reply(UID, ANA, comment="Yes\\, gladly\\; I bring:\\n\\\\two friends")
    calendar = calendar.replace("ATTENDEE;", "item1.ATTENDEE;").replace("COMMENT:", "comment;LANGUAGE=en:")
    (answer,) = answers_in(calendar)
    assert answer.comment == "Yes, gladly; I bring:\n\\two friends"
    assert answer.attendees[0].address == ANA


def test_of_several_attendees_the_sender_has_answered() -> None:
    more = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bo@example.org"
    (answer,) = answers_in(mails.a_reply(UID, ANA, more=more))
    for sender, address in (("bo@example.org", "bo@example.org"), ("stranger@example.org", ANA)):
        attendee = answer.of(sender)
        assert attendee is not None and attendee.address == address


def test_who_sends_somebody_else_and_what_the_note_says_is_kept() -> None:
    parameters = ';X-RESPONSE-COMMENT="Bo comes for me";DELEGATED-TO="mailto:bo@example.org"'
    (answer,) = answers_in(mails.a_reply(UID, ANA, "DELEGATED", parameters=parameters))
    (attendee,) = answer.attendees
    assert (attendee.delegated_to, attendee.comment) == ("bo@example.org", "Bo comes for me")


def test_a_path_of_apples_servers_is_no_address_but_its_email_is() -> None:
    calendar = mails.a_reply(UID, ANA, parameters=f";EMAIL={ANA}").replace(f":mailto:{ANA}", ":/1234/principal/")
    (answer,) = answers_in(calendar)
    assert answer.attendees[0].address == ANA


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("DTSTART:20270506T150000Z", "2027-05-06T15:00:00+00:00"),
        ("DTSTART;TZID=Europe/London:20270506T150000", "2027-05-06T15:00:00+01:00"),
        ("DTSTART;VALUE=DATE:20270506", "2027-05-06"),
    ],
)
def test_a_counter_says_when_it_would_suit(zone: str, start: str) -> None:
    calendar = mails.a_reply(UID, ANA, "TENTATIVE", method="COUNTER")
    calendar = calendar.replace("DTSTART:20270506T130000Z", zone).replace("DTEND:20270506T143000Z\r\n", "")
    (answer,) = answers_in(calendar)
    assert answer.is_counter and answer.proposed is not None and answer.proposed[0] == start


# --- mail servers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "status", "kinds"),
    [
        ("failed", "5.1.1", ["failed"]),
        ("failed", "4.4.7", ["failed"]),
        ("delayed", "4.4.1", ["delayed"]),
        ("delivered", "2.0.0", []),
        ("relayed", "2.0.0", []),
        ("expanded", "2.0.0", []),
    ],
)
def test_only_what_a_notification_says_did_not_arrive_is_a_failure(action: str, status: str, kinds: list[str]) -> None:
    found = reading(mails.a_bounce(ANA, action=action, status=status, envelope="abc@x.example"))
    assert [one.kind for one in found.failures] == kinds
    assert found.words is None
    for one in found.failures:
        assert (one.returned.envelope, one.recipients[0]) == ("abc@x.example", ANA)
        assert one.reply.startswith("550 5.1.1")


def test_a_bounce_in_free_words_is_one_only_from_a_mail_server() -> None:
    raw = mails.by_qmail("bo@example.org", "Message-ID: <abc@x.example>\nX-Invite-Tui-Ref: 4706c9\n")
    (failure,) = reading(raw).failures
    assert (failure.kind, failure.recipients) == ("failed", ("bo@example.org",))
    assert failure.returned.message_ids == ("abc@x.example",) and failure.returned.references == ("4706c9",)
    assert "550 5.1.1 sorry" in failure.reply
    quoted = reading(raw.replace(b"MAILER-DAEMON@old.example", b"ana@example.org").replace(b"Return-Path: <>\n", b""))
    assert not quoted.failures and quoted.words is not None


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"X_Autoreply": "yes"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.example>"},
        {"subject": "Automatische Antwort: Invitation"},
        {"subject": "Absence : Invitation"},
        {"subject": "Odpowiedź automatyczna: Invitation"},
        {"subject": "自动回复: Invitation"},
    ],
)
def test_what_a_program_has_written_asks_for_nothing(headers: dict[str, str]) -> None:
    mail = mails.a_mail(ANA, "Please use my other address, a@b.example.", **headers)
    assert reading(mail.as_bytes()).words is None


def test_a_person_who_says_no_program_wrote_it_is_believed() -> None:
    assert reading(mails.a_mail(ANA, "Hello", Auto_Submitted="no").as_bytes()).words is not None
    assert reading(mails.a_mail(ANA, "Hello", subject="Absence on 6 May").as_bytes()).words is not None


# --- words ------------------------------------------------------------------------------------------------------------

_QUOTED = {
    "marked": "\n\nOn Thu, 1 Apr 2027 at 10:00, Team <team@department.example> wrote:\n> write to old@quoted.example\n",
    "over two lines": "\n\nOn Thu, 1 Apr 2027 at 10:00, Team\n<t@d.example> wrote:\n\nold@quoted.example\n",
    "Outlook": "\n\n________________________________\nFrom: Team <old@quoted.example>\nSent: 1 April 2027\n",
    "Outlook, headers only": "\n\nFrom: Team <old@quoted.example>\nSent: Thursday, 1 April 2027\nTo: Ana\n\ntext\n",
    "divider": "\n\n-----Original Message-----\nold@quoted.example\n",
    "German": "\n\nAm 01.04.27 um 10:00 schrieb Team:\n> old@quoted.example\n",
    "French": "\n\nLe 1 avr. 2027 à 10:00, Team <t@d.example> a écrit :\n> old@quoted.example\n",
    "nothing": "",
}


@pytest.mark.parametrize("quoted", _QUOTED.values(), ids=_QUOTED)
def test_what_is_quoted_is_not_their_own_words(quoted: str) -> None:
    words = own_words(f"Please send it to ana@home.example instead.{quoted}")
    assert words.all == "Please send it to ana@home.example instead."


def test_answers_between_quoted_lines_are_their_own() -> None:
    words = own_words(
        "On 1 April, Team wrote:\n> Can you come?\n\nYes.\n\n> Is the address right?\n\nNo, use a@b.example\n"
    )
    assert words.body == "Yes.\n\nNo, use a@b.example"


def test_markup_is_read_down_to_the_quotation() -> None:
    page = (
        "<html><head><style>p { color: red }</style></head><body><p>Use <b>ana@home.example</b> &amp; thanks</p>"
        "<!-- not this: c@d.example --><div class='gmail_quote'>old@quoted.example</div></body></html>"
    )
    assert text_of_html(page).strip() == "Use ana@home.example & thanks"
    mail = mails.a_mail(ANA, "", html=page)
    mail.get_payload(0).set_type("application/x-nothing")  # type: ignore[union-attr]  # HTML alone
    words = reading(mail.as_bytes()).words
    assert words is not None and words.body == "Use ana@home.example & thanks"


_ASKS = [
    ("Could you use my new address ana@home.example please?", "address", "ana@home.example"),
    ("Please send the invitation to ana@home.example.", "address", "ana@home.example"),
    ("ana@example.org is wrong, the correct address is ana.ruiz@example.org", "address", "ana.ruiz@example.org"),
    ("Please use ana@home.example instead of info@office.example.", "address", "ana@home.example"),
    (
        "Please do not use info@office.example any more, I have a new email: ana@home.example",
        "address",
        "ana@home.example",
    ),
    ("I no longer use this address.", "address", None),
    ("Send it to a@one.example or to b@two.example", "address", None),
    ("Bitte senden Sie die Einladung an ana@home.example, das ist meine neue Adresse.", "address", "ana@home.example"),
    ("Merci d'utiliser ma nouvelle adresse : ana@home.example", "address", "ana@home.example"),
    ("please replace ana@example.org with ana@home.example", "address", "ana@home.example"),
    ("I will attend. From May my address is ana@home.example", "address", "ana@home.example"),
    ("Please send it to my colleague bob@office.example as well.", "other", None),
    ("Please remove me from your list.", "withdraw", None),
    ("Unfortunately I can't attend, something came up.", "withdraw", None),
    ("Ich kann leider nicht teilnehmen.", "withdraw", None),
    ("Is there parking?", "other", None),
    ("Questions about access go to access@venue.example, is that so?", "other", None),
    ("I don't have access to this mailbox. ana@home.example works.", "address", "ana@home.example"),
    ("Ich bin unter ana@example.org nicht mehr erreichbar, neu: ana@home.example", "address", "ana@home.example"),
    ("Pourriez-vous renvoyer l'invitation à ana@home.example ?", "address", "ana@home.example"),
    ("Mi correo ha cambiado, ahora es ana@home.example", "address", "ana@home.example"),
    ("Potete inviare l'invito a ana@home.example?", "address", "ana@home.example"),
    ("Kunt u de uitnodiging naar ana@home.example sturen?", "address", "ana@home.example"),
    ("O meu e-mail mudou, agora é ana@home.example", "address", "ana@home.example"),
    ("Proszę wysłać zaproszenie na adres ana@home.example", "address", "ana@home.example"),
    ("Kan ni skicka inbjudan till ana@home.example istället?", "address", "ana@home.example"),
    ("Min e-postadresse er endret til ana@home.example", "address", "ana@home.example"),
    ("Moje adresa se změnila: ana@home.example", "address", "ana@home.example"),
    ("Мой адрес изменился: ana@home.example", "address", "ana@home.example"),
    ("メールアドレスがana@home.exampleに変わりました。", "address", "ana@home.example"),
    ("我的邮箱已更改为ana@home.example。", "address", "ana@home.example"),
    ("Je ne pourrai malheureusement pas être présent.", "withdraw", None),
    ("Lamentablemente no podré asistir", "withdraw", None),
    ("Purtroppo non potrò partecipare", "withdraw", None),
    ("Helaas kan ik niet aanwezig zijn.", "withdraw", None),
    ("Infelizmente não poderei comparecer", "withdraw", None),
    ("Niestety nie mogę wziąć udziału", "withdraw", None),
    ("Tyvärr kan jag inte komma", "withdraw", None),
    ("Jeg kan desværre ikke deltage", "withdraw", None),
    ("Bohužel se nemohu zúčastnit", "withdraw", None),
    ("На жаль, не зможу бути присутнім", "withdraw", None),
    ("Maalesef katılamayacağım", "withdraw", None),
    ("很抱歉，我无法参加。", "withdraw", None),
    ("للأسف لن أتمكن من الحضور", "withdraw", None),
    ("Yn anffodus ni allaf ddod", "withdraw", None),
    ("Je ne peux pas ouvrir le lien.", "other", None),
    ("Ich kann den Link nicht öffnen.", "other", None),
    ("Nie mogę otworzyć linku.", "other", None),
    ("Start without me for ten minutes, I will come late.", "other", None),
    ("Je viendrai en voiture.", "other", None),
]


@pytest.mark.parametrize(("text", "kind", "suggested"), _ASKS, ids=[text[:40] for text, _, _ in _ASKS])
def test_what_people_ask_for(text: str, kind: str, suggested: str | None) -> None:
    assert judge(own_words(text), OWN) == (kind, suggested)


def test_the_address_in_a_signature_is_suggested_only_where_it_is_new_and_asked_for() -> None:
    asks = "Please use my new address, it is below.\n\n-- \nAna Ruiz\n{}\n"
    assert judge(own_words(asks.format("ana@home.example")), OWN) == ("address", "ana@home.example")
    assert judge(own_words(asks.format("Ana@Example.org")), OWN) == ("address", None)
    assert judge(own_words("Is there parking?\n\nKind regards\nana@home.example"), OWN) == ("other", None)


# --- one mail, wherever it lies ---------------------------------------------------------------------------------------


def test_a_mail_is_the_same_mail_in_another_store() -> None:
    raw = mails.a_mail(ANA, "Is it so?\nFrom what I heard\n").as_bytes()
    exported = b"X-Mozilla-Status: 0001\nReceived: from a by b\n" + raw.replace(b"\nFrom what", b"\r\n>From what")
    assert reading(raw).identity == reading(exported).identity
    assert reading(raw.replace(b"<answer-1@", b"<answer-2@")).identity != reading(raw).identity


def test_mails_with_one_id_are_two_if_they_say_different_things() -> None:
    bounces = [reading(mails.a_bounce(who)) for who in (ANA, "bo@example.org")]
    assert bounces[0].message_id == bounces[1].message_id
    assert bounces[0].identity != bounces[1].identity


def test_gmails_bounce_names_the_message_by_its_id() -> None:
    named = b"X-Original-Message-ID: <abc@department.example>\nArrival-Date:"
    (failure,) = reading(mails.a_bounce(ANA).replace(b"Arrival-Date:", named)).failures
    assert failure.returned.message_ids == ("abc@department.example",)


def test_half_a_character_in_a_sender_is_left_out() -> None:
    raw = mails.a_mail(ANA, "Hello").as_bytes().replace(b"From: ana@", b"From: =?utf-7?Q?+2AA-?=ana@")
    reading(raw).sender.encode()


@pytest.mark.parametrize(
    "date", ["nonsense", "Fri, 99 Apr 2027 10:15:00", "Fri, 02 Apr 2027 10:15:00 +9999", "1" * 500]
)
def test_a_date_that_is_none_is_none(date: str) -> None:
    raw = mails.by_google(UID, ANA).replace(b"Fri, 02 Apr 2027 10:15:00 +0000", date.encode())
    found = reading(raw).at
    assert found is None or found.tzinfo is UTC


# --- hostile ----------------------------------------------------------------------------------------------------------

_SEEDS = [
    mails.by_google(UID, ANA),
    mails.by_outlook(UID, ANA, note="Please use ana@home.example"),
    mails.a_counter(UID, ANA),
    mails.a_bounce(ANA, envelope="abc@x.example", headers="Message-ID: <a@b.example>\n"),
    mails.by_qmail(ANA, "Message-ID: <abc@x.example>\n"),
    mails.an_absence(ANA, "<abc@x.example>"),
    mails.a_mail(ANA, "Please use ana@home.example", html="<p>Please use <b>x</b>").as_bytes(),
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_mail_breaks_the_reader(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(_SEEDS)))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw)))
        length = data.draw(st.integers(0, 60))
        raw[at : at + length] = data.draw(
            st.one_of(
                st.binary(max_size=30),
                st.sampled_from(
                    [b"BEGIN:VEVENT\r\n", b"\0", b"\n\n", b"--B\n", b'"', b"=?utf-8?q?", b"mailto:", b"<", b"\\"]
                ),
            )
        )
    reading(bytes(raw))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
@example("BEGIN:VCALENDAR\nMETHOD:COUNTER\nBEGIN:VEVENT\nUID:x\nDTSTART:99999999T999999Z\nEND:VEVENT")
@example("METHOD:REPLY\nBEGIN:VEVENT\nUID:x\nSEQUENCE:99999999999999\nDTSTAMP:20279999T999999Z\nATTENDEE:mailto:%ff@x")
def test_no_text_breaks_the_readers_of_text(text: str) -> None:
    assert all(answer.uid for answer in answers_in(text, "REPLY"))
    kind, suggested = judge(own_words(text), OWN)
    assert suggested is None or kind == "address"
    text_of_html(text)


@pytest.mark.parametrize(
    "text",
    ['<a "' * 50_000, "<!--" * 50_000, "<" * 200_000, ">" * 200_000, "On wrote " * 20_000, "\n" * 200_000]
    + [
        "a@" * 100_000,
        "use " * 50_000,
        "ne peux pas " * 20_000,
        "адрес " * 40_000,
        "From: x\n" * 25_000,
        '"' * 100_000,
        "ATTENDEE;" * 20_000,
    ],
    ids=lambda text: repr(text[:9]),
)
def test_a_long_text_of_one_kind_is_read_to_its_end(text: str) -> None:
    """With the time that each test has: a pattern that takes quadratic time would not end."""
    own_words(text)
    text_of_html(text)
    judge(own_words(text), OWN)
    assert not [*answers_in(f"METHOD:REPLY\n{text}")]
    raw = b"Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nSubject: failure\n\n" + text.encode()
    assert not reading(raw).answers


def test_a_moment_far_in_the_future_sorts_and_does_not_fail() -> None:
    (answer,) = answers_in(mails.a_reply(UID, ANA, stamp="99991231T235959Z"))
    assert answer.stamp == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

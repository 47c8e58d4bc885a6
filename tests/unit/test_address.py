"""What is an address, when two are one mailbox, and what looks mistyped."""

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tui.address import Address, AddressError, is_refused, parse, suggest

VALID = (
    # as typed, on the wire, key
    ("ana@example.org", "ana@example.org", "ana@example.org"),
    ("Ana.Ruiz@Example.ORG", "Ana.Ruiz@example.org", "ana.ruiz@example.org"),
    ("ana+events@example.org", "ana+events@example.org", "ana+events@example.org"),
    ("o'neil@example.org", "o'neil@example.org", "o'neil@example.org"),
    ("!#$%&'*+/=?^_`{|}~-@example.org", "!#$%&'*+/=?^_`{|}~-@example.org", "!#$%&'*+/=?^_`{|}~-@example.org"),
    ("1@example.org", "1@example.org", "1@example.org"),
    ("ana@mail.example.co.uk", "ana@mail.example.co.uk", "ana@mail.example.co.uk"),
    ("ana@a-b.example", "ana@a-b.example", "ana@a-b.example"),
    ("ana@department.test", "ana@department.test", "ana@department.test"),
    ("x" * 64 + "@example.org", "x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ("Ana@bücher.example", "Ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
    ("ana@BÜCHER.example", "ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
    ("ana@bu\u0308cher.example", "ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
    ("ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
    ("ana@XN--BCHER-KVA.example", "ana@xn--bcher-kva.example", "ana@xn--bcher-kva.example"),
    ("ana@ｅｘａｍｐｌｅ.org", "ana@example.org", "ana@example.org"),
    ("ana@例子.公司", "ana@xn--fsqu00a.xn--55qx5d", "ana@xn--fsqu00a.xn--55qx5d"),
    ("José@example.org", "José@example.org", "josé@example.org"),
    ("Jose\u0301@example.org", "Jose\u0301@example.org", "josé@example.org"),
    ("用户@example.org", "用户@example.org", "用户@example.org"),
    ("ΑΘΗΝΑΣ@example.org", "ΑΘΗΝΑΣ@example.org", "αθηνασ@example.org"),
)

INVALID = (
    # as typed, a word of the reason, the hint
    ("", "blank", None),
    ("  ", "blank", None),
    ("ana", "no @", None),
    ("ana at example.org", "no @", None),
    ("@example.org", "nothing before", None),
    ("ana@", "nothing after", None),
    ("@", "nothing before", None),
    ("bo@@example.org", "more than one @", "bo@example.org"),
    ("bo@li@example.org", "more than one @", None),
    (" ana@example.org", "space before or after", "ana@example.org"),
    ("ana@example.org ", "space before or after", "ana@example.org"),
    ("ana @example.org", "space in it", None),
    ("Ana Ruiz ana@example.org", "space in it", "ana@example.org"),
    ("ana@example.org (home)", "space in it", "ana@example.org"),
    ("Ana Ruiz <ana@example.org>", "between < and >", "ana@example.org"),
    ('"Ruiz, Ana" <Ana@Example.org>', "between < and >", "Ana@example.org"),
    ("<ana@example.org>", "between < and >", "ana@example.org"),
    ("ana@example.org <ana@example.org>", "between < and >", "ana@example.org"),
    ("mailto:ana@example.org", "character", "ana@example.org"),
    ("ana@example.org.", "full stop", "ana@example.org"),
    ("ana@example.org,", "character", "ana@example.org"),
    ("ana@example.org;", "character", "ana@example.org"),
    ("'ana@example.org'", "character", "ana@example.org"),
    ("(ana@example.org)", "character", "ana@example.org"),
    ("ana..ruiz@example.org", "two full stops", "ana.ruiz@example.org"),
    (".ana@example.org", "full stop", "ana@example.org"),
    ("ana.@example.org", "full stop", None),
    ("ana@example..org", "two full stops", "ana@example.org"),
    ("ana@.example.org", "full stop", None),
    ("ana,ruiz@example.org", "character", None),
    ("ana:ruiz@example.org", "character", None),
    ('"ana ruiz"@example.org', "quotation marks", None),
    ("ana@example", "no full stop", None),
    ("ana@localhost", "no full stop", None),
    ("ana@example.123", "does not end in", None),
    ("ana@192.0.2.1", "does not end in", None),
    ("ana@[192.0.2.1]", "bracketed", None),
    ("ana@host.local", "reserved", None),
    ("ana@host.invalid", "reserved", None),
    ("ana@-example.org", "hyphen", None),
    ("ana@example-.org", "hyphen", None),
    ("ana@exa_mple.org", "character", None),
    ("ana@exa!mple.org", "character", None),
    ("ana@xn--zzzzzz.org", "cannot exist", None),
    ("ana@" + "a" * 64 + ".org", "rule", None),
    ("x" * 65 + "@example.org", "64 characters", None),
    ("ü" * 33 + "@example.org", "64 characters", None),
    ("x" * 60 + "@" + ".".join(["a" * 60] * 3 + ["b" * 20, "example"]), "254", None),
    ("x" * 5000, "254", None),
    ("ana@example.org\n", "invisible", "ana@example.org"),
    ("ana@example.org\r\nBcc: all", "invisible", "ana@example.org"),
    ("ana\0@example.org", "invisible", None),
    ("ana\x1b[31m@example.org", "invisible", None),
    ("ana@exam\u200bple.org", "invisible", None),
    ("\u202eana@example.org", "invisible", None),
    ("ana\ud800@example.org", "invisible", None),
)

SEVERAL = (
    "ana@example.org, bo@example.org",
    "ana@example.org;bo@example.org",
    "ana@example.org bo@example.org",
    "ana@example.org/bo@example.org",
    "ana@example.org|bo@example.org",
    "ana@example.org\nbo@example.org",
    "ana@example.org and bo@example.org",
    "Ana <ana@example.org>, Bo <bo@example.org>",
    "ana@example.org\r\nBcc: bo@example.org",
    ", ".join(f"a{number}@example.org" for number in range(10_000)),
)


@pytest.mark.parametrize(("text", "wire", "key"), VALID)
def test_an_address_keeps_its_local_part_and_gets_an_ascii_domain(text: str, wire: str, key: str) -> None:
    assert parse(text) == Address(wire, key)


@pytest.mark.parametrize(("text", "reason", "hint"), INVALID)
def test_what_is_no_address_is_refused_with_a_reason_and_the_address_that_was_meant(
    text: str, reason: str, hint: str | None
) -> None:
    with pytest.raises(AddressError, match=reason) as caught:
        parse(text)
    assert (caught.value.code, caught.value.hint) == ("bad-address", hint)
    assert caught.value.reason == str(caught.value)


@pytest.mark.parametrize("text", SEVERAL)
def test_two_addresses_in_one_text_are_told_apart_from_a_bad_one(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse(text)
    assert caught.value.code == "several-addresses"


def test_an_address_knows_its_domain_and_whether_every_server_takes_it() -> None:
    assert parse("ana@bücher.example").domain == "xn--bcher-kva.example"
    assert parse("ana@bücher.example").is_ascii
    assert not parse("josé@example.org").is_ascii


def test_parsing_what_was_parsed_changes_nothing() -> None:
    for text, wire, key in VALID:
        assert parse(wire) == Address(wire, key), text


@pytest.mark.parametrize("text", ["x", "x@", "@x", "x.", "x@x.org ", "<", "é", "x@" + "x" * 99, " "])
def test_a_text_of_megabytes_is_refused_at_once(text: str) -> None:
    with pytest.raises(AddressError):
        parse(text * 300_000)
    with pytest.raises(AddressError):
        parse("ana@" + text * 300_000)


def test_a_bad_domain_is_refused_again_the_second_time() -> None:
    for _ in range(2):
        with pytest.raises(AddressError):
            parse("ana@exa_mple.org")


# Pieces that make addresses nearly right, so that both verdicts are common.
_PIECES = st.sampled_from(
    [
        *"aZ9.-_+'@ü例\u0301\u200b \"<>,;:/\\",
        "..",
        "xn--",
        ".org",
        ".test",
        "@example.org",
        "@bücher.example",
        "@x.invalid",
    ]
)


@given(st.lists(_PIECES, max_size=12).map("".join))
def test_verdicts_are_the_librarys(text: str) -> None:
    """Nothing is accepted that email-validator refuses, and nothing plain is refused that it accepts."""
    try:
        expected = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        expected = None
    try:
        judged = parse(text)
    except AddressError:
        # The library also drops or maps some characters that a person did not mean; those we refuse instead.
        assert expected is None or not text.isascii() or text != text.strip()
        return
    assert expected is not None
    assert judged.domain == expected.ascii_domain


_PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)


@given(
    st.one_of(
        _PRINTABLE,
        st.builds("{}@{}.org".format, _PRINTABLE, _PRINTABLE),
        st.lists(_PIECES.filter(str.isascii), max_size=9).map("".join),
    )
)
@example('"ana ruiz"@example.org')
@example("ana(home)@example.org")
@example("ana@[192.0.2.1]")
@example("ana@example")
@example("x" * 65 + "@example.org")
@example("ana@" + "x." * 124 + "org")
@example("ana@xn--a.org")
def test_the_quick_verdict_is_the_whole_ones(text: str) -> None:
    assume(text.isascii() and text.isprintable())
    try:
        parse(text)
    except AddressError:
        assert is_refused(text)
    else:
        assert not is_refused(text)


@given(st.text(max_size=40))
def test_no_text_whatever_raises_anything_else(text: str) -> None:
    try:
        address = parse(text)
    except AddressError:
        return
    assert "\r" not in address.wire
    assert "\n" not in address.wire
    assert address.wire.count("@") == 1


SUSPICIOUS = (
    ("gmial.com", "gmail.com"),
    ("gmai.com", "gmail.com"),
    ("gmal.com", "gmail.com"),
    ("gnail.com", "gmail.com"),
    ("gamil.com", "gmail.com"),
    ("gmaill.com", "gmail.com"),
    ("gimal.com", "gmail.com"),
    ("gmail.co", "gmail.com"),
    ("gmail.cm", "gmail.com"),
    ("gmail.con", "gmail.com"),
    ("gmial.con", "gmail.com"),
    ("hotmial.com", "hotmail.com"),
    ("hotmal.com", "hotmail.com"),
    ("hotmail.co.ik", "hotmail.co.uk"),
    ("outlok.com", "outlook.com"),
    ("outloook.com", "outlook.com"),
    ("yaho.com", "yahoo.com"),
    ("yahooo.com", "yahoo.com"),
    ("icoud.com", "icloud.com"),
    ("btinterent.com", "btinternet.com"),
    ("example.con", "example.com"),
    ("example.cmo", "example.com"),
    ("example.comm", "example.com"),
    ("example.ogr", "example.org"),
    ("example.nett", "example.net"),
    ("example.co.ku", "example.co.uk"),
    ("mail.example.con", "mail.example.com"),
    ("paypаl.com", "paypal.com"),  # one Cyrillic letter
    ("раураӏ.com", "paypal.com"),  # all of them
    ("gοοgle.com", "google.com"),  # Greek
    ("вank.com", "bank.com"),
    ("gmаil.com", "gmail.com"),
)

INNOCENT = (
    *("gmail.com", "googlemail.com", "mail.com", "email.com", "ymail.com", "gmx.com", "gmx.de", "gmx.net", "web.de"),
    *("live.com", "live.co.uk", "me.com", "mac.com", "msn.com", "aol.com", "proton.me", "pm.me", "qq.com", "163.com"),
    *("yahoo.com", "yahoo.ca", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.co.jp", "yahoo.co.in", "yahoo.com.br"),
    *("hotmail.com", "hotmail.fr", "hotmail.de", "hotmail.it", "hotmail.es", "outlook.com", "outlook.fr", "outlook.de"),
    *("mail.ru", "yandex.ru", "orange.fr", "libero.it", "laposte.net", "t-online.de", "sky.com", "cloud.com"),
    *("example.org", "example.co", "example.cm", "example.om", "nhs.net", "gov.uk", "bücher.example", "почта.com"),
    *("почта.рф", "сора.рф", "例子.公司", "mañana.example", "парк.com"),
)


@pytest.mark.parametrize(("domain", "meant"), SUSPICIOUS)
def test_a_likely_slip_is_answered_with_the_address_that_was_meant(domain: str, meant: str) -> None:
    assert suggest(parse(f"Ana.Ruiz@{domain}").wire) == f"Ana.Ruiz@{meant}"


@pytest.mark.parametrize("domain", INNOCENT)
def test_a_real_domain_is_not_suspected(domain: str) -> None:
    assert suggest(parse(f"ana@{domain}").wire) is None

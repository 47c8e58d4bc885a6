"""Logging in where answers are read, on a real Dovecot: by password, by token, once, and never in the clear."""

import imaplib
from dataclasses import replace
from typing import Any

import pytest

from tests.servers.dovecot import Dovecot
from tests.servers.issuer import Issuer
from tests.servers.scripted import Line, ScriptedServer, Step
from tui.delivery import Account, ImapLogin, Secret
from tui.delivery.sasl import spellings
from tui.errors import AccountError
from tui.replies.imap import opened


class Given:
    """A bearer whose token is given."""

    def __init__(self, token: str) -> None:
        self._token = Secret(token)

    def token(self) -> Secret:
        return self._token

    def is_due(self) -> bool:
        return False


def login_to(dovecot: Dovecot, **changes: Any) -> ImapLogin:
    login = ImapLogin(dovecot.host, dovecot.tls_port, "tls", dovecot.username, Secret(dovecot.password), ca=dovecot.ca)
    return replace(login, **changes)


def reach(login: ImapLogin) -> imaplib.IMAP4:
    if login.security == "tls":
        return imaplib.IMAP4_SSL(login.host, login.port, ssl_context=login.tls_context(), timeout=20)
    client = imaplib.IMAP4(login.host, login.port, timeout=20)
    if login.security == "starttls":
        client.starttls(login.tls_context())
    return client


def log_in(login: ImapLogin) -> tuple[str, str]:
    """The mechanism that did it, and what the server then shows of the inbox."""
    client = reach(login)
    try:
        mechanism = login.authenticate(client)
        return mechanism, client.select("INBOX", readonly=True)[0]
    finally:
        client.shutdown()


def test_a_password_opens_the_mailbox_over_tls_and_starttls(dovecot: Dovecot) -> None:
    assert log_in(login_to(dovecot)) == ("PLAIN", "OK")
    assert log_in(login_to(dovecot, port=dovecot.port, security="starttls")) == ("PLAIN", "OK")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"])
def test_a_server_that_knows_one_way_to_log_in_alone_is_logged_in_to_by_it(
    dovecot: Dovecot, issuer: Issuer, mechanism: str
) -> None:
    is_password = mechanism in ("PLAIN", "LOGIN")
    login = login_to(dovecot) if is_password else login_to(dovecot, credential=Given(issuer.token()))
    client = reach(login)
    # LOGIN is a command of IMAP's own, for where no AUTH= is offered.
    client.capabilities = ("IMAP4REV1", f"AUTH={mechanism}") if mechanism != "LOGIN" else ("IMAP4REV1",)
    try:
        assert login.authenticate(client) == mechanism
        assert client.select("INBOX", readonly=True)[0] == "OK"
    finally:
        client.shutdown()


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER", "PLAIN"])
def test_a_refusal_is_one_sentence_after_one_attempt(dovecot: Dovecot, issuer: Issuer, mechanism: str) -> None:
    wrong = "not-what-the-issuer-said"
    login = login_to(dovecot, credential=Secret(wrong) if mechanism == "PLAIN" else Given(wrong))
    client = reach(login)
    others = {"AUTH=XOAUTH2", "AUTH=OAUTHBEARER"} - {f"AUTH={mechanism}"}
    client.capabilities = tuple(word for word in client.capabilities if word not in others)
    already = dovecot.log().count("auth failed")
    try:
        with pytest.raises(AccountError, match=f"refused the login of {dovecot.username}") as caught:
            login.authenticate(client)
    finally:
        client.shutdown()
    assert "\n" not in caught.value.message
    assert wrong not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert dovecot.log().count("auth failed") <= already + 1


def test_a_token_for_somebody_else_is_refused(dovecot: Dovecot, issuer: Issuer) -> None:
    with pytest.raises(AccountError, match="refused the login"):
        log_in(login_to(dovecot, credential=Given(issuer.token("mallory@department.example"))))


def test_nothing_is_said_on_a_channel_that_is_not_secret(dovecot: Dovecot) -> None:
    login = login_to(dovecot, port=dovecot.port, security="starttls")
    client = imaplib.IMAP4(login.host, login.port, timeout=20)  # without STARTTLS
    try:
        with pytest.raises(AccountError, match="not encrypted"):
            login.authenticate(client)
    finally:
        client.shutdown()


def test_a_certificate_of_another_authority_is_refused(dovecot: Dovecot) -> None:
    import ssl

    with pytest.raises(ssl.SSLCertVerificationError):
        reach(login_to(dovecot, ca=None))


PASSWORD = 'correct "horse" battery\\staple'


def _tag(line: bytes) -> bytes:
    return line.split(b" ")[0]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_of_a_conversation_every_word_is_heard_but_the_secret_though_the_server_repeats_it(mechanism: str) -> None:
    offer = b" AUTH=PLAIN" if mechanism == "PLAIN" else b""
    script: list[Line] = [b"* OK here I am\r\n", Step.READ]
    script += [
        lambda line: b"* CAPABILITY IMAP4rev1" + offer + b"\r\n" + _tag(line) + b" OK that is all\r\n",
        Step.READ,
    ]
    if mechanism == "PLAIN":
        script += [b"+ \r\n", Step.READ]
    script += [lambda line: b"* OK you said " + line + b"\r\n* BYE and " + PASSWORD.encode() + b"\r\n"]
    heard: list[str] = []
    with ScriptedServer(script) as server:
        login = ImapLogin(server.host, server.port, "none", "ana", Secret(PASSWORD))
        with pytest.raises(AccountError) as caught, opened(login, heard.append):
            pass
    assert "< * OK here I am" in heard and any(line.startswith("< * BYE and ***") for line in heard)
    if mechanism == "PLAIN":
        assert [line for line in heard if line.endswith(" AUTHENTICATE PLAIN")] and "> ***" in heard
    else:
        assert [line for line in heard if line.startswith("> ") and line.endswith(" LOGIN ***")]
    told = f"{heard} {caught.value.message} {caught.value.hint}"
    assert not [form for form in spellings("ana", Secret(PASSWORD)) if form in told or repr(form)[1:-1] in told]


@pytest.mark.parametrize(("name", "way"), [("work", "--imap-host"), ("env", "INVITE_TUI_IMAP_HOST")])
def test_an_account_without_an_imap_server_says_what_to_do(name: str, way: str) -> None:
    with pytest.raises(AccountError, match="IMAP server") as caught:
        ImapLogin.of(Account(name, "127.0.0.1", 2525, "none", login="none"), None)
    assert caught.value.hint is not None
    assert way in caught.value.hint

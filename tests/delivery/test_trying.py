"""An account is tried while somebody waits: servers that are silent, not trusted, or not what they were taken for."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.scripted import ScriptedServer, Step
from tui import trial
from tui.delivery import Account, Secret
from tui.delivery.accounts import Imap
from tui.errors import AccountError
from tui.replies import session

Which = Literal["SMTP", "IMAP"]


def refused(
    which: Which, server: ScriptedServer, security: Literal["tls", "starttls"], beside: tuple[Postfix, Dovecot]
) -> AccountError:
    """What is said where `server` is the one for `which`, and the other a real one."""
    submission, dovecot = beside
    place = (server.host, server.port, security)
    account = Account(
        "work",
        *(place if which == "SMTP" else (submission.host, submission.port, "starttls")),
        dovecot.username,
        ca=submission.ca,
        imap=Imap(*place) if which == "IMAP" else None,
    )
    with pytest.raises(AccountError) as caught:
        trial.try_out(account, Secret(dovecot.password))
    assert f"{server.host} port {server.port}" in caught.value.message
    assert "\n" not in caught.value.message and caught.value.exit_code == 4
    return caught.value


@pytest.fixture
def beside(submission: Postfix, dovecot: Dovecot) -> tuple[Postfix, Dovecot]:
    return submission, dovecot


@pytest.mark.parametrize("which", ["SMTP", "IMAP"])
def test_a_server_that_says_nothing_is_given_up_and_the_other_security_proposed(
    which: Which, beside: tuple[Postfix, Dovecot], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trial.PATIENCE <= 60, "nobody looks at a silent screen for minutes"
    monkeypatch.setattr(trial, "PATIENCE", 5.0 if which == "IMAP" else 0.2)
    monkeypatch.setattr(session, "_TIMEOUT", 0.2)
    with ScriptedServer([Step.HANG]) as server:
        error = refused(which, server, "starttls", beside)
    assert "tls" in (error.hint or "")


@pytest.mark.parametrize("which", ["SMTP", "IMAP"])
def test_a_certificate_out_of_date_asks_for_a_look_at_the_clock(
    which: Which, beside: tuple[Postfix, Dovecot], authority: Authority
) -> None:
    until = datetime.now(UTC) - timedelta(days=1)
    with ScriptedServer([Step.TLS], authority.server_context("127.0.0.1", until=until)) as server:
        error = refused(which, server, "tls", beside)
    assert "certificate has expired" in error.message
    assert "clock" in (error.hint or "") and "--ca" not in (error.hint or "")


@pytest.mark.parametrize("which", ["SMTP", "IMAP"])
def test_a_certificate_for_another_name_asks_for_a_look_at_the_name(
    which: Which, beside: tuple[Postfix, Dovecot], authority: Authority
) -> None:
    with ScriptedServer([Step.TLS], authority.server_context("elsewhere.example")) as server:
        error = refused(which, server, "tls", beside)
    assert "not to be trusted" in error.message and "Check the host's name" in (error.hint or "")


@pytest.mark.parametrize("which", ["SMTP", "IMAP"])
def test_a_port_without_tls_is_told_from_one_with_it(which: Which, beside: tuple[Postfix, Dovecot]) -> None:
    with ScriptedServer([b"220 hi\r\n" if which == "SMTP" else b"* OK hi\r\n", Step.READ]) as server:
        error = refused(which, server, "tls", beside)
    assert "are different ports" in (error.hint or "")

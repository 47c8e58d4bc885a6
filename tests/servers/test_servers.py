"""The test servers do what the tests that rely on them take for granted."""

import base64
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.issuer import Issuer
from tests.servers.postfix import Postfix
from tests.servers.recording import RecordingServer, Stage
from tests.servers.scripted import ScriptedServer, Step
from tests.servers.secret_service import SecretService

MESSAGE = b"From: o@example.org\r\nTo: ana@example.org\r\n\r\n.dots\r\n..and more\r\n"


@contextmanager
def connect(server: RecordingServer | Postfix, *, login: bool = True) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        client.starttls(context=ssl.create_default_context(cafile=str(server.ca)))
        if login:
            client.login(server.username, server.password)
        yield client


def send(client: smtplib.SMTP, to: str = "ana@example.org") -> None:
    client.sendmail("o@example.org", [to], MESSAGE)


class TestRecordingServer:
    def test_records_envelope_bytes_login_and_channel(self, smtp_server: RecordingServer) -> None:
        with connect(smtp_server) as client:
            assert client.has_extn("PIPELINING")
            send(client)
        [message] = smtp_server.messages
        assert (message.mail_from, message.rcpt_tos, message.data) == ("o@example.org", ("ana@example.org",), MESSAGE)
        assert (message.user, message.tls, message.connection) == ("organiser", True, 1)
        assert smtp_server.verbs() == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]

    def test_speaks_tls_from_the_start(self, start_smtp: Callable[..., RecordingServer]) -> None:
        server = start_smtp(security="tls", mechanisms=("LOGIN",), pipelining=False)
        context = ssl.create_default_context(cafile=str(server.ca))
        with smtplib.SMTP_SSL(server.host, server.port, timeout=5, context=context) as client:
            client.login(server.username, server.password)
            send(client)
            assert not client.has_extn("PIPELINING")
            assert client.esmtp_features["auth"].split() == ["LOGIN"]
        assert server.messages[0].tls

    def test_speaks_without_tls_and_login(self, start_smtp: Callable[..., RecordingServer]) -> None:
        server = start_smtp(security="none", login=None)
        with smtplib.SMTP(server.host, server.port, timeout=5) as client:
            send(client)
            assert not client.has_extn("STARTTLS")
        assert (server.messages[0].user, server.messages[0].tls) == (None, False)

    def test_refuses_a_wrong_password_and_mail_without_login(self, smtp_server: RecordingServer) -> None:
        with connect(smtp_server, login=False) as client:
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login(smtp_server.username, "wrong")
            with pytest.raises(smtplib.SMTPSenderRefused):
                send(client)
        assert smtp_server.messages == []

    def test_is_not_trusted_by_who_does_not_know_its_authority(self, smtp_server: RecordingServer) -> None:
        client = smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5)
        with pytest.raises(ssl.SSLCertVerificationError):
            client.starttls(context=ssl.create_default_context())

    def test_answers_one_recipient_as_told(self, smtp_server: RecordingServer) -> None:
        smtp_server.say("RCPT", "450 4.2.0 Busy", to="bo@example.org", times=1)
        with connect(smtp_server) as client:
            send(client)
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                send(client, "bo@example.org")
            send(client, "bo@example.org")
        assert refused.value.recipients == {"bo@example.org": (450, b"4.2.0 Busy")}
        assert [message.rcpt_tos for message in smtp_server.messages] == [("ana@example.org",), ("bo@example.org",)]

    def test_refuses_the_third_message_at_the_dot(self, smtp_server: RecordingServer) -> None:
        smtp_server.say("DOT", "554 5.7.1 Spam", after=2)
        with connect(smtp_server) as client:
            send(client)
            send(client)
            with pytest.raises(smtplib.SMTPDataError, match=r"5\.7\.1"):
                send(client)
        assert len(smtp_server.messages) == 2

    @pytest.mark.parametrize(
        "stage", ["CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BODY", "DOT", "STORED"]
    )
    def test_drops_the_connection_at_every_stage(self, smtp_server: RecordingServer, stage: Stage) -> None:
        smtp_server.drop(stage)
        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)), connect(smtp_server) as client:
            send(client)
        assert len(smtp_server.messages) == (stage == "STORED")

    @pytest.mark.parametrize("stage", ["CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "DOT"])
    def test_says_anything_at_every_stage_and_hangs_up(self, smtp_server: RecordingServer, stage: Stage) -> None:
        smtp_server.say(stage, "421 4.3.2 Shutting down", close=True)
        with pytest.raises((smtplib.SMTPException, OSError), match=r"421|closed"), connect(smtp_server) as client:
            send(client)
        assert smtp_server.messages == []

    def test_falls_silent(self, smtp_server: RecordingServer) -> None:
        smtp_server.hang("MAIL")
        with connect(smtp_server) as client:
            assert client.sock is not None
            client.sock.settimeout(0.1)
            with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
                send(client)


class TestScriptedServer:
    def test_sends_its_bytes_and_keeps_what_it_read(self) -> None:
        with ScriptedServer([b"220 hi\r\n", Step.READ, b"250-a", b"bc\r\n250 d\r\n"]) as server:
            client = smtplib.SMTP(server.host, server.port, "me", timeout=5)
            assert client.ehlo() == (250, b"abc\nd")
            client.close()
            assert server.received == [b"ehlo me"]

    def test_becomes_a_tls_server(self, authority: Authority) -> None:
        script: list[bytes | Step] = [
            b"220 hi\r\n",
            Step.READ,
            b"250-hi\r\n250 STARTTLS\r\n",
            Step.READ,
            b"220 go\r\n",
            Step.TLS,
            Step.READ,
            b"250 ok\r\n",
        ]
        with ScriptedServer(script, authority.server_context("127.0.0.1")) as server:
            client = smtplib.SMTP(server.host, server.port, timeout=5)
            client.starttls(context=ssl.create_default_context(cafile=str(authority.pem)))
            assert client.noop() == (250, b"ok")
            client.close()


class TestPostfix:
    def test_puts_each_message_into_its_recipients_own_mailbox(self, postfix: Postfix) -> None:
        with connect(postfix) as client:
            for to in ("ana@example.org", "bo@elsewhere.example", "o'hara+x/y@example.org"):
                send(client, to)
        mailboxes = postfix.mailboxes()
        assert sorted(mailboxes) == ["ana@example.org", "bo@elsewhere.example", "o'hara+x/y@example.org"]
        for [message] in mailboxes.values():
            assert message.startswith(b"Return-Path: <o@example.org>\r\nReceived: ")
            assert message.endswith(MESSAGE)

    def test_speaks_tls_from_the_start(self, postfix: Postfix) -> None:
        context = ssl.create_default_context(cafile=str(postfix.ca))
        with smtplib.SMTP_SSL(postfix.host, postfix.tls_port, timeout=5, context=context) as client:
            client.login(postfix.username, postfix.password)
            send(client)
        assert list(postfix.mailboxes()) == ["ana@example.org"]

    def test_relays_for_nobody_who_has_not_logged_in(self, postfix: Postfix) -> None:
        with connect(postfix, login=False) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
            send(client)
        assert postfix.mailboxes() == {}

    @pytest.mark.parametrize(("to", "code"), [("nobody@example.org", 550), ("later@example.org", 450)])
    def test_refuses_who_must_be_refused(self, postfix: Postfix, to: str, code: int) -> None:
        with connect(postfix) as client, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(client, to)
        assert refused.value.recipients[to][0] == code

    def test_ends_with_the_process_that_started_it_even_when_that_is_killed(
        self, postfix: Postfix, authority: Authority, tmp_path: Path
    ) -> None:
        program = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from tests.servers.authority import Authority\n"
            "from tests.servers.postfix import Postfix\n"
            "with Postfix(Authority(Path(sys.argv[1]))) as server:\n"
            "    print(server.port, server._folder, flush=True)\n"
            "    time.sleep(60)\n"
        )
        with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            port, folder = other.stdout.readline().split()
            assert int(port) not in (postfix.port, postfix.tls_port)
            other.send_signal(signal.SIGKILL)
        wait_until(lambda: not Path(folder).exists())
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((postfix.host, int(port)))


class TestSecretService:
    def test_keeps_a_secret_from_one_process_to_the_next(self, secret_service: SecretService) -> None:
        def run(code: str) -> str:
            command = [sys.executable, "-c", f"import keyring; {code}"]
            return subprocess.run(
                command, env=secret_service.environment, capture_output=True, text=True, check=True
            ).stdout

        run("keyring.set_password('invite-tui test', 'ana', 'geheim ✓')")
        # Not keyring.get_keyring(): that chains the encrypted file behind it.
        found = run(
            "from keyring.backends import SecretService; "
            "print(SecretService.Keyring().get_password('invite-tui test', 'ana'))"
        )
        assert found == "geheim ✓\n"

    def test_is_empty_for_each_test(self, secret_service: SecretService) -> None:
        code = "import keyring; print(keyring.get_password('invite-tui test', 'ana'))"
        found = subprocess.run(
            [sys.executable, "-c", code], env=secret_service.environment, stdout=subprocess.PIPE, check=True
        )
        assert found.stdout == b"None\n"


def test_no_test_can_reach_the_keyring_of_whoever_runs_it() -> None:
    code = "import keyring; keyring.get_password('a', 'b')"
    attempt = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert "NoKeyringError" in attempt.stderr


def wait_until(happened: Callable[[], bool], seconds: float = 20) -> None:
    """Fail where it does not."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class TestDovecotAndIssuer:
    def test_a_postfix_lets_in_whom_dovecot_lets_in(
        self, submission: Postfix, dovecot: Dovecot, issuer: Issuer, authority: Authority
    ) -> None:
        for token, code in ((issuer.token(), 235), ("made-up", 535)):
            with smtplib.SMTP(submission.host, submission.port, timeout=20) as client:
                client.starttls(context=ssl.create_default_context(cafile=str(authority.pem)))
                client.ehlo()
                assert {"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"} <= set(client.esmtp_features["auth"].split())
                words = f"user={dovecot.username}\1auth=Bearer {token}\1\1"
                reply = client.docmd("AUTH", "XOAUTH2 " + base64.b64encode(words.encode()).decode())
                if reply[0] == 334:
                    reply = client.docmd("")
                assert reply[0] == code

    def test_a_mailbox_holds_what_was_put_there_and_is_another_after_clearing(self, dovecot: Dovecot) -> None:
        def validity() -> bytes:
            client = dovecot.client()
            try:
                client.select("Sent/2027", readonly=True)
                return bytes(client.response("UIDVALIDITY")[1][0])
            finally:
                client.logout()

        dovecot.put(MESSAGE, "Sent/2027")
        client = dovecot.client()
        try:
            assert client.select("Sent/2027", readonly=True)[1] == [b"1"]
            assert client.fetch("1", "(RFC822)")[1][0][1] == MESSAGE  # type: ignore[index]  # imaplib's types say nothing
        finally:
            client.logout()
        assert validity().isdigit()
        dovecot.clear()
        client = dovecot.client()
        try:
            assert client.select("Sent/2027", readonly=True)[0] == "NO"
        finally:
            client.logout()

    def test_it_and_its_folder_are_gone_afterwards(self, authority: Authority, dovecot: Dovecot) -> None:
        with Dovecot(authority) as server:
            folder, port = server.sasl.parent.parent, server.port
            assert folder.exists()
        assert not folder.exists()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((server.host, port), timeout=5)

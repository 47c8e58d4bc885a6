"""The fault table, row by row: what a server says, and what it means for a message, an account, a run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.delivery.faults import (
    LONGEST_WAIT,
    MOST_REPLY_CHARACTERS,
    Fault,
    MalformedReplyError,
    Reply,
    Stage,
    asked_wait,
    judge,
    parse_reply,
)
from tui.errors import AccountError

MESSAGE_STAGES: tuple[Stage, ...] = ("mail", "rcpt", "data", "body", "dot")
SESSION_STAGES: tuple[Stage, ...] = ("greeting", "ehlo", "starttls", "auth", "reset")


def reply(text: str) -> Reply:
    return parse_reply([f"{text}\r\n".encode()])


def judged(stage: Stage, text: str) -> Fault:
    fault = judge(stage, reply(text))
    assert fault is not None
    return fault


class TestYes:
    @pytest.mark.parametrize(
        ("stage", "text"),
        [
            ("greeting", "220 mail.test"),
            ("ehlo", "250 mail.test"),
            ("auth", "235 2.7.0 Welcome"),
            ("mail", "250 2.1.0 Ok"),
            ("rcpt", "250 2.1.5 Ok"),
            ("rcpt", "251 User not local; will forward"),
            ("data", "354 Go ahead"),
            ("dot", "250 2.0.0 Ok: queued as 4ZxQ"),
        ],
    )
    def test_is_no_fault(self, stage: Stage, text: str) -> None:
        assert judge(stage, reply(text)) is None

    @pytest.mark.parametrize(("stage", "text"), [("mail", "354 go"), ("rcpt", "334 "), ("data", "250 Ok")])
    def test_out_of_place_ends_the_connection_and_nothing_was_sent(self, stage: Stage, text: str) -> None:
        fault = judged(stage, text)
        assert (fault.outcome, fault.scope) == ("unsent", "connection")

    def test_out_of_place_at_the_dot_leaves_it_unknown(self) -> None:
        assert judged("dot", "354 go").outcome == "unknown"

    def test_before_the_dot_is_no_receipt(self) -> None:
        assert judged("body", "250 2.0.0 Ok").outcome == "unsent"


class TestLater:
    @pytest.mark.parametrize("stage", MESSAGE_STAGES)
    @pytest.mark.parametrize(
        "text",
        [
            "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents it",
            "450 4.2.0 Greylisted",
            "451 4.3.0 Local problem",
            "451 Requested action aborted",
            "452 4.3.1 Insufficient system storage",
            "452 4.2.2 The recipient's inbox is over quota",
            "452 4.5.3 Too many recipients",
            "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
            "454 4.7.0 Temporary authentication failure",
        ],
    )
    def test_a_temporary_reply_defers_this_message_alone(self, stage: Stage, text: str) -> None:
        fault = judged(stage, text)
        assert (fault.outcome, fault.scope, fault.pause, fault.stop) == ("deferred", "message", False, False)
        assert fault.reply == text

    @pytest.mark.parametrize("stage", MESSAGE_STAGES)
    def test_421_closes_the_connection_and_defers_the_message(self, stage: Stage) -> None:
        fault = judged(stage, "421 4.3.2 Service not available, closing channel")
        assert (fault.outcome, fault.scope) == ("deferred", "connection")

    def test_a_limit_of_one_connection_is_no_limit_of_the_account(self) -> None:
        fault = judged("mail", "421 4.7.0 Too many messages in this session")
        assert (fault.outcome, fault.scope) == ("deferred", "connection")

    @pytest.mark.parametrize("stage", SESSION_STAGES)
    def test_a_temporary_reply_before_any_message_is_about_the_connection(self, stage: Stage) -> None:
        fault = judged(stage, "451 4.3.0 Local problem")
        assert (fault.outcome, fault.scope) == ("deferred", "connection")


class TestPause:
    @pytest.mark.parametrize("stage", ["mail", "data", "dot"])
    @pytest.mark.parametrize(
        ("text", "wait"),
        [
            ("550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits", 86_400),
            ("552 5.4.5 Daily sending quota exceeded", 86_400),
            ("454 Throttling failure: Maximum sending rate exceeded.", 60),
            ("454 Throttling failure: Daily message quota exceeded.", 86_400),
            ("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed", 3_600),
            ("550 5.7.1 Message rate limit exceeded", 3_600),
            ("550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit", 86_400),
            ("550 5.7.705 Access denied, tenant has exceeded threshold", 86_400),
            ("554 5.2.2 mailbox full", None),
            ("550 5.2.251 Something about the mailbox that sends", None),
            ("421 4.7.0 Too many connections from your address", 60),
            ("421 4.7.28 Unusual rate of mail, rate limited", 60),
            ("450 4.7.1 Error: too much mail from 192.0.2.7", 60),
            ("451 4.7.500 Server busy. Please try again later", 300),
            ("550 Sending quota exceeded", 3_600),
        ],
    )
    def test_a_limit_of_the_account_defers_and_pauses_the_run(
        self, stage: Stage, text: str, wait: float | None
    ) -> None:
        fault = judged(stage, text)
        assert (fault.outcome, fault.scope, fault.pause, fault.stop) == ("deferred", "account", True, False)
        assert fault.retry_after == wait

    def test_too_many_logins_pause_instead_of_trying_until_the_account_is_locked(self) -> None:
        assert judged("auth", "454 4.7.0 Too many login attempts, please try again later").pause

    def test_the_server_knows_better_how_long(self) -> None:
        fault = judged("mail", "421 4.7.0 Too many messages, retry in 5 minutes")
        assert (fault.pause, fault.retry_after) == (True, 300)

    @pytest.mark.parametrize("text", ["552 5.2.2 Mailbox over quota", "550 5.2.2 Quota exceeded for this mailbox"])
    def test_a_recipients_full_mailbox_is_theirs_alone(self, text: str) -> None:
        fault = judged("rcpt", text)
        assert (fault.outcome, fault.scope) == ("refused", "message")


class TestStop:
    @pytest.mark.parametrize("stage", MESSAGE_STAGES)
    @pytest.mark.parametrize(
        "text",
        [
            "530 5.7.0 Authentication required",
            "530 5.7.57 Client not authenticated to send mail",
            "534 5.7.9 Application-specific password required",
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled",
            "538 5.7.11 Encryption required for requested authentication mechanism",
            "550 5.7.30 Basic authentication is not supported for Client Submission",
            "503 AUTH first",
            "550 5.7.1 Authentication required",
            "554 5.7.1 <ana@example.org>: Relay access denied",
            "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
            "553 5.7.1 <o@example.org>: Sender address rejected: not owned by user organiser",
            "554 5.2.252 SendAsDenied; a@example.org not allowed to send as b@example.org",
            "554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
            "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
            "550 5.1.8 Access denied, bad outbound sender",
        ],
    )
    def test_a_login_or_sender_that_is_refused_stops_the_run_and_blames_no_recipient(
        self, stage: Stage, text: str
    ) -> None:
        fault = judged(stage, text)
        assert (fault.outcome, fault.scope, fault.stop, fault.pause) == ("unsent", "account", True, False)
        error = fault.error()
        assert isinstance(error, AccountError)
        assert text in error.message
        assert error.hint

    @pytest.mark.parametrize("stage", SESSION_STAGES)
    @pytest.mark.parametrize("text", ["554 5.3.2 No service here", "501 no", "535 5.7.8 no"])
    def test_a_permanent_reply_before_any_message_is_about_the_account(self, stage: Stage, text: str) -> None:
        assert judged(stage, text).stop

    @pytest.mark.parametrize("text", ["550 5.1.0 Sender rejected", "553 Mailbox name not allowed", "550 no", "555 no"])
    def test_a_refusal_of_the_sender_blames_no_recipient(self, text: str) -> None:
        assert judged("mail", text).stop


class TestRefused:
    @pytest.mark.parametrize("stage", ["rcpt", "dot"])
    @pytest.mark.parametrize(
        "text",
        [
            "550 5.1.1 <bo@example.org>: user unknown",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound",
            "550 5.4.1 Recipient address rejected: Access denied",
            "550 5.2.1 Mailbox disabled",
            "551 User not local",
            "553 5.1.3 Invalid address format",
            "553 sorry, no mailbox here by that name",
            "550 5.6.7 Non-ASCII addresses are not supported",
        ],
    )
    def test_a_recipient_is_refused_alone(self, stage: Stage, text: str) -> None:
        fault = judged(stage, text)
        assert (fault.outcome, fault.scope, fault.alike) == ("refused", "message", False)

    def test_without_a_status_code_the_stage_tells_recipient_from_content(self) -> None:
        assert not judged("rcpt", "550 no").alike
        assert not judged("rcpt", "554 no").alike
        assert judged("dot", "550 no").alike
        assert judged("dot", "554 no").alike

    @pytest.mark.parametrize("stage", ["data", "dot"])
    @pytest.mark.parametrize(
        "text",
        [
            "552 5.3.4 Message size exceeds fixed limit",
            "552 Message exceeds maximum size limit",
            "554 5.6.0 Message content rejected",
            "550 5.7.1 Message rejected as spam",
            "550 5.7.515 Access denied, sending domain does not meet the required authentication level",
            "550 5.7.26 This mail has been blocked because the sender is unauthenticated",
            "554 Transaction failed",
        ],
    )
    def test_content_and_policy_are_refused_for_all_alike(self, stage: Stage, text: str) -> None:
        fault = judged(stage, text)
        assert (fault.outcome, fault.scope, fault.alike) == ("refused", "message", True)

    def test_too_big_at_mail_is_about_the_message(self) -> None:
        assert judged("mail", "552 5.3.4 Message too big").outcome == "refused"


class TestBrokenOff:
    @pytest.mark.parametrize("problem", [ConnectionResetError("reset"), TimeoutError(), MalformedReplyError("junk")])
    def test_before_the_final_dot_nothing_was_sent(self, problem: Exception) -> None:
        for stage in (*SESSION_STAGES, "mail", "rcpt", "data", "body"):
            fault = judge(stage, problem)
            assert fault is not None
            assert (fault.outcome, fault.scope, fault.stage) == ("unsent", "connection", stage)

    @pytest.mark.parametrize("problem", [ConnectionResetError("reset"), TimeoutError(), MalformedReplyError("junk")])
    def test_after_it_nobody_knows(self, problem: Exception) -> None:
        fault = judge("dot", problem)
        assert fault is not None
        assert (fault.outcome, fault.scope) == ("unknown", "connection")

    def test_a_state_that_has_come_apart_closes_the_connection(self) -> None:
        assert judged("mail", "503 5.5.1 Error: nested MAIL command").scope == "connection"


class TestReplies:
    def test_joins_lines_and_says_the_status_once(self) -> None:
        whole = parse_reply([b"550-5.7.1 First\r\n", b"550-5.7.1   second\r\n", b"550 5.7.1 third\r\n"])
        assert whole.text == "550 5.7.1 First second third"
        assert (whole.code, whole.status) == (550, "5.7.1")

    @pytest.mark.parametrize(("line", "text"), [(b"250\r\n", "250"), (b"250 \r\n", "250"), (b"250 ok\n", "250 ok")])
    def test_takes_bare_codes_and_bare_line_feeds(self, line: bytes, text: str) -> None:
        assert parse_reply([line]).text == text

    @pytest.mark.parametrize(
        "lines",
        [
            [],
            [b"\r\n"],
            [b"hello\r\n"],
            [b"25\r\n"],
            [b"2500 ok\r\n"],
            [b"150 ok\r\n"],
            [b"650 ok\r\n"],
            [b"\xb2\xb5\xb0 ok\r\n"],
            [b"250_ok\r\n"],
            [b"250-more\r\n"],
            [b"250-more\r\n", b"550 but no\r\n"],
            [b"250 done\r\n", b"250 again\r\n"],
        ],
    )
    def test_refuses_what_is_no_reply(self, lines: list[bytes]) -> None:
        with pytest.raises(MalformedReplyError):
            parse_reply(lines)

    @pytest.mark.parametrize(
        ("text", "status"),
        [
            ("550 5.1.1 no", "5.1.1"),
            ("550 5.1.1", "5.1.1"),
            ("550 2.1.1 a status of another class", ""),
            ("550 10.5.1.1 an address", ""),
            ("550 5.1.1.7 no", ""),
            ("550 5.1 no", ""),
            ("550", ""),
        ],
    )
    def test_reads_the_enhanced_status_code(self, text: str, status: str) -> None:
        assert reply(text).status == status

    @given(st.lists(st.binary(max_size=2000), max_size=5))
    def test_hostile_text_stays_one_bounded_line_of_text(self, texts: list[bytes]) -> None:
        lines = [b"550-" + text.replace(b"\n", b"") + b"\r\n" for text in texts] + [b"550 end\r\n"]
        whole = parse_reply(lines)
        assert len(whole.text) <= MOST_REPLY_CHARACTERS
        assert "\r" not in whole.text
        assert "\n" not in whole.text
        whole.text.encode()
        for stage in MESSAGE_STAGES:
            assert judge(stage, whole) is not None

    @given(st.integers(200, 599), st.sampled_from([*SESSION_STAGES, *MESSAGE_STAGES]))
    def test_every_code_at_every_stage_has_a_verdict(self, code: int, stage: Stage) -> None:
        fault = judge(stage, Reply(code, ("whatever",)))
        assert fault is None or not (fault.pause and fault.stop)
        if code >= 400 and stage == "dot":
            assert fault is not None
            assert fault.outcome != "unknown"


class TestAskedWait:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("450 4.2.0 Greylisted, retry in 300 seconds", 300),
            ("451 4.7.1 Greylisting in action, please come back in 00:04:58", 298),
            ("450 Try again in 5 minutes", 300),
            ("450 wait at least 1 hour", 3600),
            ("450 try again after 90s", 90),
            ("450 in 999999 hours", LONGEST_WAIT),
            ("450 4.2.0 Greylisted", None),
            ("450 in 5 messages", None),
            ("450 in 0 seconds", None),
        ],
    )
    def test_is_found_in_the_words(self, text: str, seconds: float | None) -> None:
        assert asked_wait(text) == seconds

"""One table that turns a server's reply, or an exception, at a stage of SMTP into a verdict.

Everything here is pure. Replies are hostile text: they are bounded in length and hold no line break, but may hold any
other control; whoever draws one cleans it. Order in the table is meaning: the first row that fits decides, so the
exceptions stand before the rules (a 5xx that is a quota before the 5xx that is final).

Sources: RFC 5321 §4.2 and §4.3.2 (replies), RFC 3463 and its registry (enhanced status codes), RFC 1047 (why a reply
lost after the final dot proves nothing), and the replies that providers are known to give.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from tui.errors import AccountError

Stage = Literal[
    "connect", "greeting", "ehlo", "starttls", "auth", "reset", "mail", "rcpt", "data", "body", "dot", "quit"
]
"""Where in a session something happened. `body` is before the final dot was written, `dot` after."""

Outcome = Literal["refused", "deferred", "unknown", "unsent"]
Scope = Literal["message", "account", "connection"]

MOST_REPLY_CHARACTERS = 500
MOST_REPLY_BYTES = 65_536
MOST_REPLY_LINES = 256
LONGEST_WAIT = 86_400.0
"""Seconds. A server that asks for more, or a hostile one, is not believed beyond a day."""

_SESSION: frozenset[Stage] = frozenset({"connect", "greeting", "ehlo", "starttls", "auth", "reset"})
_EXPECTED: dict[Stage, str] = {"data": "3", "body": ""}
_DAY = 86_400.0
_HOUR = 3_600.0


class MalformedReplyError(Exception):
    """What the server said is no SMTP reply: it may mean anything, so it means nothing."""


@dataclass(frozen=True)
class Reply:
    """One complete reply: its code (200..599) and the text of each line, without code and line break."""

    code: int
    lines: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        """The reply on one line, code included, at most `MOST_REPLY_CHARACTERS` characters.

        The enhanced status code stands once, though servers repeat it on every line.
        """
        status = self.status
        parts = [" ".join(line.split()) for line in self.lines]
        if status:
            parts[1:] = [part.removeprefix(status).lstrip() for part in parts[1:]]
        return " ".join([str(self.code), *filter(None, parts)])[:MOST_REPLY_CHARACTERS]

    @cached_property
    def status(self) -> str:
        """The enhanced status code ("5.7.1", RFC 2034), or "" where there is none or one of another class."""
        found = _STATUS.match(self.lines[0]) if self.lines else None
        return found[1] if found and found[1][0] == str(self.code)[0] else ""

    @property
    def is_positive(self) -> bool:
        return 200 <= self.code < 300


_STATUS = re.compile(r"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\Z", re.DOTALL)


def parse_line(line: bytes) -> tuple[int, str, bool]:
    """One line of a reply as (code, text, whether it is the reply's last). Raises `MalformedReplyError`.

    RFC 5321 §4.2.1. A bare line feed ends a line too: some servers send it, and it cannot be mistaken here.
    """
    found = _LINE.match(line.removesuffix(b"\n").removesuffix(b"\r"))
    if found is None:
        raise MalformedReplyError(f"not a reply: {_quoted(line)}")
    text = (found[3] or b"").decode("utf-8", "replace").replace("\r", " ").replace("\n", " ")
    return int(found[1]), text, found[2] != b"-"


def parse_reply(lines: Iterable[bytes]) -> Reply:
    """A whole reply from its lines. Raises `MalformedReplyError`, also where the lines disagree about the code."""
    code: int | None = None
    texts: list[str] = []
    last = False
    for line in lines:
        number, text, is_last = parse_line(line)
        if last or (code is not None and number != code):
            raise MalformedReplyError(f"the lines of a reply disagree: {_quoted(line)}")
        code, last = number, is_last
        texts.append(text)
    if code is None or not last:
        raise MalformedReplyError("a reply that does not end")
    return Reply(code, tuple(texts))


def _quoted(line: bytes) -> str:
    return repr(line[:80].decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server took the message. `reply` is its final text, code included ("250 2.0.0 Ok: queued as 4ZxQ")."""

    reply: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one message was not accepted; a value, because one recipient's failure stops nobody else.

    `scope` says whom it will hit: this message, everybody who uses the account, or whoever is on this connection
    (which is closed by then; the next delivery opens another). `retry_after`, in seconds, is what the server asked for
    or what is known of that limit. `alike` marks a refusal that most probably holds for every message of the run
    (policy, content): a reason to stop and ask.
    """

    outcome: Outcome
    scope: Scope
    reply: str
    stage: Stage
    retry_after: float | None = None
    alike: bool = False
    hint: str | None = None

    @property
    def pause(self) -> bool:
        """The whole account has to wait: a quota or a throttle."""
        return self.scope == "account" and self.outcome == "deferred"

    @property
    def stop(self) -> bool:
        """Nothing can go out before somebody has mended the account. Raise `error()`."""
        return self.scope == "account" and self.outcome != "deferred"

    def error(self) -> AccountError:
        """This fault as what ends a run."""
        return AccountError(f"The mail server will take nothing more from this account: {self.reply}", hint=self.hint)


class NotOpenError(AccountError):
    """A session could not be opened. `fault` is the same as a verdict on the message that waited for it.

    `is_passing`: the server spoke, and said that it is not now, or the conversation broke off: it may be another time.
    """

    def __init__(self, message: str, fault: Fault, *, hint: str | None = None, is_passing: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.fault = fault
        self.is_passing = is_passing


Verdict = Literal["retry", "closing", "pause", "login", "sender", "recipient", "message", "content"]
"""retry: later, this message. closing: the server hangs up. pause: a limit of the account. login, sender: stop, and
mend the account. recipient, message: final for this one. content: final, and probably so for all."""

_MEANING: dict[Verdict, tuple[Outcome, Scope, bool]] = {
    "retry": ("deferred", "message", False),
    "closing": ("deferred", "connection", False),
    "pause": ("deferred", "account", False),
    "login": ("unsent", "account", False),
    "sender": ("unsent", "account", False),
    "recipient": ("refused", "message", False),
    "message": ("refused", "message", False),
    "content": ("refused", "message", True),
}
_HINT: dict[Verdict, str] = {
    "login": "Check the account's user name and password, and that its provider allows SMTP logins.",
    "sender": "Send from an address that this account may use: see `from` of the account, and the organizer's address.",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """Fits when the code, the enhanced status (whole, "" where there is none), the text and the stage do."""

    verdict: Verdict
    code: str
    status: str = r".*"
    words: str = ""
    stages: frozenset[Stage] | None = None
    wait: float | None = None

    def fits(self, stage: Stage, reply: Reply) -> bool:
        return (
            (self.stages is None or stage in self.stages)
            and re.fullmatch(self.code, str(reply.code)) is not None
            and re.fullmatch(self.status, reply.status) is not None
            and re.search(self.words, reply.text, re.IGNORECASE) is not None
        )


_AT_MAIL: frozenset[Stage] = frozenset({"mail"})
_AT_RCPT: frozenset[Stage] = frozenset({"rcpt"})
_NOT_RCPT: frozenset[Stage] = frozenset({"mail", "data", "body", "dot"})
_AUTH: frozenset[Stage] = frozenset({"auth"})

_TOO_MANY = r"too (?:many|much) (?:\w+ )?(?:connections?|messages?|e?-?mails?|sessions?|recipients|log-?ins?|requests)"
_LIMIT = (
    rf"throttl|slow down|rate.{{0,20}}limit|{_TOO_MANY}"
    r"|(?:quota|limit|threshold|rate).{0,30}exceed|exceed.{0,40}(?:quota|limit|threshold|rate)"
)
_SENDING_LIMIT = rf"throttl|{_TOO_MANY}|(?:daily|hourly|sending|submission|rate|message)\w*.{{0,30}}(?:quota|limit)"
_SIZE = r"\bsize\b|too (?:big|large)"
_SENDER = (
    r"send ?as ?denied|not allowed to send as|send as this sender"
    r"|sender address rejected|not owned by user|bad outbound sender"
)
_NO_LOGIN = r"authentication (?:is )?(?:required|needed)|must authenticate|(?:was|is) not authenticated"
_NO_RELAY = r"relay(?:ing)? (?:access )?(?:is )?(?:denied|not|prohibited)|unable to relay|client host rejected"

_TABLE: tuple[_Row, ...] = (
    # A refused login or sender says nothing of the recipient: nobody may be marked as refused for it.
    _Row("login", r"432", stages=_AUTH),
    _Row("login", r"53[0458]"),
    _Row("login", r"5..", status=r"5\.7\.(?:8|9|30|54|57|64|139)"),
    _Row("login", r"50[0-4]", words=r"\bauth"),
    _Row("login", r"5..", words=_NO_LOGIN),
    _Row("login", r"55[04]", words=_NO_RELAY),
    _Row("sender", r"5..", status=r"5\.1\.[78]|5\.7\.60"),
    _Row("sender", r"5..", words=_SENDER),
    # The size, before the limits: "message size exceeds limit" is about this message alone.
    _Row("content", r"5..", status=r"5\.3\.4"),
    _Row("content", r"55[24]", status=r"", words=_SIZE, stages=_NOT_RCPT),
    _Row("message", r"55[24]", status=r"", words=_SIZE, stages=_AT_RCPT),
    # Limits of the account. Some providers say 5xx and mean "tomorrow".
    _Row("pause", r"5..", status=r"5\.4\.5", wait=_DAY),
    _Row("pause", r"5..", status=r"5\.7\.(?:23[23]|705)", wait=_DAY),
    _Row("pause", r"5..", status=r"5\.7\.[01]", words=_LIMIT, wait=_HOUR),
    _Row("pause", r"5..", status=r"5\.2\.0", words=_LIMIT, stages=_NOT_RCPT, wait=_HOUR),
    _Row("pause", r"55[024]", status=r"", words=_SENDING_LIMIT, wait=_HOUR),
    _Row("pause", r"5..", status=r"5\.2\.25[1-5]"),
    _Row("pause", r"554", status=r"5\.2\.2", stages=_NOT_RCPT),
    _Row("pause", r"45[0-4]", words=r"daily.{0,30}quota", wait=_DAY),
    _Row("pause", r"454", words=_LIMIT, wait=60.0),
    _Row("pause", r"451", status=r"4\.7\.500", wait=300.0),
    _Row("closing", r"421", words=r"(?:per|this|one|single) (?:session|connection)"),
    _Row("pause", r"421", words=_LIMIT, wait=60.0),
    _Row("pause", r"45[012]", status=r"4\.[37]\.\d+", words=_LIMIT, wait=60.0),
    # What passes by itself.
    _Row("closing", r"421"),
    _Row("closing", r"4..", stages=_SESSION),
    _Row("retry", r"432", wait=60.0),
    _Row("retry", r"4.."),
    # What does not. Before a message was begun it is the account's affair, and so is the sender at MAIL.
    _Row("login", r"5..", stages=_SESSION),
    _Row("content", r"5..", status=r"5\.6\.(?!7\b)\d+"),
    _Row("recipient", r"5..", status=r"5\.6\.7", stages=frozenset({"rcpt", "data", "body", "dot"})),
    _Row("closing", r"50[03]"),
    _Row("content", r"552", stages=_AT_MAIL),
    _Row("sender", r"5..", stages=_AT_MAIL),
    _Row("content", r"5..", status=r"5\.7\.\d+"),
    _Row("recipient", r"5..", status=r"5\.[124]\.\d+"),
    _Row("recipient", r"55[13]|556"),
    _Row("recipient", r"5..", stages=_AT_RCPT),
    _Row("content", r"5.."),
)


def judge(stage: Stage, event: Reply | BaseException) -> Fault | None:
    """What a reply or an exception at `stage` means; None where the reply is the yes that this stage waits for.

    At the dot, anything but a complete reply (a lost connection, a time-out, nonsense) is `unknown`: the server may
    have the message (RFC 1047). Before it, the message cannot have been taken, so it is `unsent`.
    """
    if isinstance(event, BaseException):
        return lost(stage, _in_words(event))
    if event.code < 400:
        expected = _EXPECTED.get(stage, "2")
        if expected and str(event.code).startswith(expected):
            return None
        return lost(stage, f"an answer that makes no sense here: {event.text}")
    row = next(row for row in _TABLE if row.fits(stage, event))
    outcome, scope, alike = _MEANING[row.verdict]
    fault = Fault(outcome, scope, event.text, stage, alike=alike, hint=_HINT.get(row.verdict))
    if outcome == "deferred":
        fault = replace(fault, retry_after=asked_wait(event.text) or row.wait)
    if stage in _SESSION and scope == "message":
        fault = replace(fault, scope="connection")
    return fault


def lost(stage: Stage, words: str) -> Fault:
    """The conversation broke off at `stage`; the connection is of no more use."""
    reply = words.replace("\r", " ").replace("\n", " ")[:MOST_REPLY_CHARACTERS]
    return Fault("unknown" if stage == "dot" else "unsent", "connection", reply, stage)


def _in_words(problem: BaseException) -> str:
    if isinstance(problem, TimeoutError):
        return "the server did not answer in time"
    if isinstance(problem, MalformedReplyError):
        return f"the server's answer could not be understood: {problem}"
    return f"the connection was lost: {getattr(problem, 'strerror', None) or str(problem) or type(problem).__name__}"


_UNIT = {"s": 1.0, "m": 60.0, "h": 3600.0}
_WAIT = re.compile(
    r"\b(?:in|after|for|wait|within|least)\s+(?:at least\s+)?"
    r"(?:(\d{1,2}):(\d{2}):(\d{2})\b|(\d{1,6})\s*(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b)",
    re.IGNORECASE,
)


def asked_wait(text: str) -> float | None:
    """Seconds that the server asks us to wait ("retry in 300 seconds", "come back in 00:04:58"), at most a day."""
    found = _WAIT.search(text)
    if found is None:
        return None
    hours, minutes, seconds, number, unit = found.groups()
    if number is None:
        wait = int(hours) * 3600.0 + int(minutes) * 60.0 + int(seconds)
    else:
        wait = int(number) * _UNIT[unit[0].lower()]
    return min(wait, LONGEST_WAIT) or None

"""An SMTP server that fails in every way by chance, and keeps a record of what it took: a process of its own.

`python -m tests.servers.unreliable RECORD SEED SHARE` prints its port and serves until its input ends. Each of seven
faults strikes `SHARE` of the messages, at a stage by chance, and `SHARE` of the sessions. RECORD has a line of JSON for
each message that was stored: what an independent reader of its bytes finds.
"""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import json
import quopri
import random
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

REPLIES = ("421 4.3.2 Closing", "450 4.2.0 Try later", "550 5.1.1 Refused")
FAULTS = ("drop", "hang", "garbage", "partial", *REPLIES)
STAGES = ("mail", "rcpt", "data", "body", "dot", "stored")
"""`body`: in the middle of the message. `dot`: instead of storing it. `stored`: after that, instead of saying so."""
_SAYING_NO = frozenset(REPLIES)
_ADDRESS = re.compile(rb"[\w.+-]+@[\w.-]+\w")
_PART = re.compile(
    rb"Content-Transfer-Encoding: (quoted-printable|base64)\r\n(?:[^\r]+\r\n)*\r\n(.*?)(?=\r\n--|\Z)",
    re.DOTALL | re.IGNORECASE,
)


class Chance:
    """Which fault strikes where; the same for the same seed, as far as the conversations are."""

    def __init__(self, seed: int, share: float) -> None:
        self._dice, self._share = random.Random(seed), share

    def of_session(self) -> tuple[str, str] | None:
        # A session that is refused for good ends a run by design, and says nothing of this.
        return self._fault(("greeting", "ehlo"), FAULTS[:-1])

    def of_message(self) -> tuple[str, str] | None:
        found = self._fault(STAGES, FAULTS)
        match found:
            case "mail", fault if fault == REPLIES[2]:
                return "rcpt", fault  # at MAIL it is the sender's, and ends a run by design
            case "body", fault if fault in _SAYING_NO or fault in ("garbage", "partial"):
                return "dot", fault  # nobody listens in the middle of a message
            case "stored", fault if fault in _SAYING_NO:
                return "dot", fault  # a no to what was taken would be a lie
        return found

    def _fault(self, stages: tuple[str, ...], faults: tuple[str, ...]) -> tuple[str, str] | None:
        dice = self._dice.random()
        return (
            (self._dice.choice(stages), faults[int(dice / self._share)]) if dice < self._share * len(faults) else None
        )


class Conversation(asyncio.Protocol):
    """One client: commands one after the other, however they come."""

    def __init__(self, chance: Chance, store: Callable[[str, bytes], None]) -> None:
        self._chance, self._store = chance, store
        self._buffer = bytearray()
        self._in_body = self._is_deaf = False
        self._recipients: list[str] = []
        self._fault: tuple[str, str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._fault = self._chance.of_session()
        self._answer("greeting", "220 mail.test ESMTP")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not self._is_deaf:
            if self._in_body:
                if self._fault and self._fault[0] == "body" and len(self._buffer) > 2_000:
                    self._misbehave(self._fault[1])
                    return
                end = self._buffer.find(b"\r\n.\r\n")
                if end < 0:
                    return
                raw = bytes(self._buffer[: end + 2]).replace(b"\r\n..", b"\r\n.")
                del self._buffer[: end + 5]
                self._take(raw)
            else:
                end = self._buffer.find(b"\r\n")
                if end < 0:
                    return
                line = self._buffer[:end].decode("utf-8", "replace")
                del self._buffer[: end + 2]
                self._command(line)

    def _command(self, line: str) -> None:
        match line.split(" ", 1)[0].upper():
            case "EHLO":
                self._answer("ehlo", "250-mail.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8")
            case "MAIL":
                self._recipients, self._fault = [], self._chance.of_message()
                self._answer("mail", "250 2.1.0 Ok")
            case "RCPT":
                if self._answer("rcpt", "250 2.1.5 Ok"):
                    self._recipients.append(line.partition("<")[2].partition(">")[0])
            case "DATA" if self._recipients:
                self._in_body = self._answer("data", "354 Go on")
            case "DATA":
                self._say("503 5.5.1 No recipient")
            case "RSET":
                self._recipients = []
                self._say("250 2.0.0 Ok")
            case "QUIT":
                self._say("221 2.0.0 Bye")
                self._transport.close()
            case _:
                self._say("500 5.5.2 What?")

    def _take(self, raw: bytes) -> None:
        self._in_body = False
        if self._fault and self._fault[0] == "dot":
            self._misbehave(self._fault[1])
            return
        self._store(",".join(self._recipients), raw)
        self._answer("stored", "250 2.0.0 Ok: queued")

    def _answer(self, stage: str, reply: str) -> bool:
        """Says `reply`, unless a fault strikes here; whether it said so."""
        if self._fault and self._fault[0] == stage:
            self._misbehave(self._fault[1])
            return False
        self._say(reply)
        return True

    def _say(self, reply: str) -> None:
        self._transport.write(f"{reply}\r\n".encode())

    def _misbehave(self, fault: str) -> None:
        self._fault = None
        if fault in _SAYING_NO:
            self._say(fault)
            if fault.startswith("421"):
                self._leave(self._transport.close)
            return
        match fault:
            case "garbage":
                self._transport.write(b"\x00\xff<html>502 Bad Gateway</html>\r\n")
            case "partial":
                self._transport.write(b"250-Half an ans")
                self._leave(self._transport.close)
            case "drop":
                self._leave(self._transport.abort)
            case _:
                self._is_deaf = True  # and says no more, until the client has had enough

    def _leave(self, how: Callable[[], None]) -> None:
        self._is_deaf = True
        how()


def reading(recipients: str, raw: bytes) -> dict[str, object]:
    """What stands in a message, read without the program's help: all that anybody could find there of anybody."""
    texts = [_decoded(encoding.lower(), body) for encoding, body in _PART.findall(raw)]
    head = re.sub(rb"\r\n[ \t]+", b" ", raw.partition(b"\r\n\r\n")[0])
    to = re.findall(rb"^To: (.*?)\r?$", head, re.MULTILINE)
    calendar = next(text for text in texts if b"BEGIN:VCALENDAR" in text).replace(b"\r\n ", b"")
    lines = dict(line.split(b":", 1) for line in calendar.split(b"\r\n") if b":" in line)
    return {
        "rcpt": recipients,
        "to": ",".join(one.rpartition(b"<")[2].rstrip(b">").decode() for one in to),
        "found": sorted({a.decode() for text in (head, *texts) for a in _ADDRESS.findall(text.replace(b"\r\n ", b""))}),
        "attendees": calendar.count(b"\r\nATTENDEE"),
        "uid": lines[b"UID"].decode(),
        "sequence": int(lines[b"SEQUENCE"]),
        "digest": hashlib.sha256(raw).hexdigest(),
    }


def _decoded(encoding: bytes, body: bytes) -> bytes:
    if encoding == b"quoted-printable":
        return quopri.decodestring(body)
    with contextlib.suppress(binascii.Error):
        return base64.b64decode(body)
    return body


async def serve(record: TextIO, chance: Chance) -> None:
    def store(recipients: str, raw: bytes) -> None:
        record.write(json.dumps(reading(recipients, raw)) + "\n")

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Conversation(chance, store), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8", buffering=1) as file:
        asyncio.run(serve(file, Chance(int(sys.argv[2]), float(sys.argv[3]))))

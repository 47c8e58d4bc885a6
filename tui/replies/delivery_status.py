"""Bounces: delivery status notifications (RFC 3464, RFC 6533), and what other mail servers write instead."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes

from tui.address import AddressError, parse
from tui.audit.reading import Mail, Part
from tui.clean import one_line
from tui.ledger import BounceKind

_MOST_RECIPIENTS = 100  # of one notification
_LONGEST_STATUS = 200_000  # bytes of one that are looked at
_LONGEST_TEXT = 200_000
_LONGEST_FREE = 50_000  # bytes that flufl.bounce is given: its readers of free text take their time
_LONGEST_REPLY = 500
_DAEMON = re.compile(r"(?:mail(?:er)?-?daemon|postmaster|mdaemon|mail\.?delivery(?:system|subsystem)?)", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,990}>")
_QUOTED_ID = re.compile(r"^[> \t]*Message-ID:[ \t]*(<[^<>\s]{1,990}>)", re.IGNORECASE | re.MULTILINE)
_QUOTED_REFERENCE = re.compile(r"^[> \t]*X-Invite-Tui-Ref:[ \t]*([0-9a-f]{1,64})", re.IGNORECASE | re.MULTILINE)
_REASON = re.compile(r"^.{0,200}?\b[45]\d\d[ -].{0,400}$", re.MULTILINE)

logging.getLogger("flufl.bounce").disabled = True  # it reports what it could not read to stderr


@dataclass(frozen=True, slots=True)
class Returned:
    """What a notification says of which message it is about: ids without their brackets, our header's value."""

    envelope: str = ""
    message_ids: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient of a notification. `recipients` are the original one, then the final one, as written."""

    kind: BounceKind
    recipients: tuple[str, ...]
    reply: str
    returned: Returned


def is_notification(mail: Mail) -> bool:
    return any(part.kind in _STATUS_KINDS for part in mail.parts)


_STATUS_KINDS = ("message/delivery-status", "message/global-delivery-status")


def failures(mail: Mail) -> Iterator[Failure]:
    """Each recipient of a delivery status notification who was not reached (yet)."""
    returned = _returned(mail)
    for part in mail.parts:
        if part.kind not in _STATUS_KINDS:
            continue
        blocks = [*_blocks(part.content[:_LONGEST_STATUS])]
        envelope = _xtext(blocks[0].get("original-envelope-id", "")) if blocks else ""
        # What Gmail writes, which tells nothing by the envelope.
        told = _MESSAGE_ID.findall(blocks[0].get("x-original-message-id", "")) if blocks else []
        ids = (*(one.strip("<>") for one in told), *returned.message_ids)
        about = Returned(envelope.strip("<>"), ids, returned.references)
        for block in blocks[: _MOST_RECIPIENTS + 1]:
            kind = _kind(block)
            if kind is not None:
                yield Failure(kind, tuple(_recipients(block)), _reply(block), about)


def is_from_daemon(mail: Mail, sender: str) -> bool:
    """Whether a mail server wrote it: there is nobody to answer to, or its name is that of one."""
    returns = [header.raw for header in mail.all("return-path")]
    has_failed = any(True for _ in mail.all("x-failed-recipients"))
    return has_failed or "<>" in returns or not sender or bool(_DAEMON.fullmatch(sender.partition("@")[0]))


def unwritten(mail: Mail, raw: bytes) -> Iterator[Failure]:
    """The failures in a notification that is none by the standard, as far as flufl.bounce knows its wording."""
    from flufl.bounce import all_failures

    text = _text_of(mail)
    try:
        temporary, permanent = all_failures(message_from_bytes(raw[:_LONGEST_FREE]))
    except Exception:  # noqa: BLE001  # its 17 readers of free text raise whatever a hostile one makes them
        return
    returned = _returned(mail, text)
    reason = _REASON.search(text)
    kinds: tuple[tuple[BounceKind, frozenset[bytes]], ...] = (
        ("failed", frozenset(permanent)),
        ("delayed", frozenset(temporary) - frozenset(permanent)),
    )
    for kind, found in kinds:
        for recipient in sorted(found)[:_MOST_RECIPIENTS]:
            address = recipient.decode("utf-8", "replace")
            reply = one_line(reason[0])[:_LONGEST_REPLY] if reason else ""
            yield Failure(kind, (one_line(address),), reply, returned)


def _returned(mail: Mail, text: str = "") -> Returned:
    """By what the message that came back can be known: its own headers, and what the notification answers."""
    ids: dict[str, None] = {}
    references: dict[str, None] = {}
    for inner in _inner(mail.parts):
        for header in inner.all("message-id"):
            ids.update(dict.fromkeys(_MESSAGE_ID.findall(header.raw)))
        for header in inner.all("x-invite-tui-ref"):
            references[header.raw.strip().lower()] = None
    if text:
        ids.update(dict.fromkeys(_QUOTED_ID.findall(text)[:50]))
        references.update(dict.fromkeys(found.lower() for found in _QUOTED_REFERENCE.findall(text)[:50]))
    for name in ("in-reply-to", "references"):
        for header in mail.all(name):
            ids.update(dict.fromkeys(_MESSAGE_ID.findall(header.raw)[:50]))
    return Returned("", tuple(one.strip("<>") for one in ids), tuple(references))


def _inner(parts: Sequence[Part], depth: int = 0) -> Iterator[Mail]:
    for part in parts:
        if part.inner is not None:
            yield part.inner
            if depth < 3:
                yield from _inner(part.inner.parts, depth + 1)


def _blocks(content: bytes) -> Iterator[dict[str, str]]:
    """The groups of fields of a status part: of the message, then of each recipient. Names in lower case."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"\n[ \t]+", " ", text)
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, colon, value = line.partition(":")
            if colon and name.strip():
                fields.setdefault(name.strip().lower()[:80], value.strip())
        if fields:
            yield fields


def _kind(block: dict[str, str]) -> BounceKind | None:
    """What a recipient's group says; None where it is not one, or where it says that the message arrived."""
    action, status = block.get("action", "").strip().lower(), block.get("status", "").strip()
    if action in ("failed", "delayed"):
        return "failed" if action == "failed" else "delayed"
    if action or not ("final-recipient" in block or "original-recipient" in block):
        return None
    return "failed" if status[:1] == "5" else "delayed" if status[:1] == "4" else None


def _recipients(block: dict[str, str]) -> Iterator[str]:
    for name in ("original-recipient", "final-recipient"):
        if value := block.get(name, ""):
            address = _xtext(value.rpartition(";")[2].strip()).strip("<> ")
            try:
                yield parse(address).wire
            except AddressError:
                continue


def _reply(block: dict[str, str]) -> str:
    words = block.get("diagnostic-code", "")
    words = words.partition(";")[2] if words.lower().startswith(("smtp;", "x-", "dns;")) and ";" in words else words
    status = block.get("status", "")
    return one_line(words or status)[:_LONGEST_REPLY]


def _xtext(value: str) -> str:
    """RFC 3461 §4. Not every server writes it so: only the two characters that must be written so are decoded."""
    return value.strip().replace("+3D", "=").replace("+2B", "+")


def _text_of(mail: Mail) -> str:
    texts = [part.text() for part in mail.parts if part.where in ("text", "html") and part.inner is None]
    return "\n".join(texts)[:_LONGEST_TEXT]

"""Mail from an IMAP server: every folder, only what is new, and nothing there is changed.

Folders are opened with EXAMINE and messages fetched with BODY.PEEK (RFC 9051 §6.3.3, §6.4.5): what was unread stays so.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from time import sleep
from typing import TYPE_CHECKING

from tui.errors import AccountError

if TYPE_CHECKING:
    from imap_tools import BaseMailBox, FolderInfo

    from tui.delivery import ImapLogin

LONGEST = 2_000_000
"""Bytes of one message that are fetched: an answer or a bounce says what it says in its beginning."""

_AT_ONCE = 10  # messages of one request
_POLL = 1.0  # seconds between two looks at whether the wait is over
_POLLS = 300  # of them a wait: other folders than the inbox are looked into after it
_UID = re.compile(rb"\bUID (\d{1,10})\b")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# Of RFC 6154: what nobody has sent to us.
_NOT_OURS = frozenset({"\\noselect", "\\nonexistent", "\\drafts"})
_EVERYTHING, _BESIDE = "\\all", frozenset({"\\all", "\\junk", "\\trash"})


@dataclass(frozen=True, slots=True)
class Fetched:
    """One message, by its UID under this UIDVALIDITY; with `raw` None only how far its folder is read by now."""

    folder: str
    validity: int
    uid: int
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Closed:
    """A folder that the server did not let us read, and why."""

    folder: str
    reason: str


class Mailbox:
    """An account's mailbox, logged in: see `opened`."""

    def __init__(self, box: "BaseMailBox") -> None:
        self._box = box

    def new(self, read: Mapping[str, tuple[int, int]], since: date) -> Iterator[Fetched | Closed]:
        """Every message that came since that day and has not been read, folder by folder, oldest first.

        `read` says how far each folder has been read: its UIDVALIDITY then, and the highest UID.
        """
        for info in _readable(self._box.folder.list()):
            yield from self._folder(info.name, read.get(info.name), since)

    def look(self) -> None:
        """Opens the inbox as every folder is opened, and reads nothing."""
        self._box.folder.set("INBOX", readonly=True)

    def wait(self, is_over: Callable[[], bool]) -> bool:
        """Waits until something has come to the inbox (RFC 2177), for a while; True where something may have. False as
        soon as `is_over`. A server without IDLE is asked again after the same while."""
        self._box.folder.set("INBOX", readonly=True)
        if "IDLE" not in self._box.client.capabilities:
            for _ in range(_POLLS):
                if is_over():
                    return False
                sleep(_POLL)
            return True
        self._box.idle.start()  # type: ignore[no-untyped-call]  # imap-tools has no types here
        try:
            for _ in range(_POLLS):
                if is_over():
                    return False
                if self._box.idle.poll(timeout=_POLL):
                    return True
        finally:
            self._box.idle.stop()  # type: ignore[no-untyped-call]  # as above
        return True

    def _folder(self, name: str, read: tuple[int, int] | None, since: date) -> Iterator[Fetched | Closed]:
        from imap_tools.errors import UnexpectedCommandStatusError

        try:
            told = self._box.folder.status(name, ["UIDVALIDITY", "UIDNEXT"])
            validity, newest = told.get("UIDVALIDITY", 0), told.get("UIDNEXT", 1) - 1
            last = read[1] if read and read[0] == validity else 0
            if newest <= last:
                return
            self._box.folder.set(name, readonly=True)
            day = f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"
            uids = sorted(int(uid) for uid in self._box.uids(f"UID {last + 1}:* SINCE {day}"))
        except UnexpectedCommandStatusError as error:
            yield Closed(name, _words(error))
            return
        # "5:*" is the last message too where that has a lower number.
        uids = [uid for uid in uids if uid > last]
        for at in range(0, len(uids), _AT_ONCE):
            chunk = uids[at : at + _AT_ONCE]
            for uid, raw in sorted(self._fetch(chunk)):
                yield Fetched(name, validity, uid, raw)
        yield Fetched(name, validity, max([newest, *uids]), None)

    def _fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        wanted = ",".join(map(str, uids))
        answer, items = self._box.client.uid("FETCH", wanted, f"(UID BODY.PEEK[]<0.{LONGEST}>)")
        if answer != "OK":
            raise AccountError(f"The mail server did not give the messages {wanted}: {answer}.")
        for at, item in enumerate(items):
            if isinstance(item, tuple) and len(item) == 2:
                after = items[at + 1] if at + 1 < len(items) else b""
                # The number stands before the message or after it, as the server likes.
                found = _UID.search(item[0]) or (_UID.search(after) if isinstance(after, bytes) else None)
                if found and int(found[1]) in uids:
                    yield int(found[1]), item[1][:LONGEST]


@contextmanager
def opened(login: "ImapLogin", hear: "Callable[[str], object] | None" = None) -> Iterator[Mailbox]:
    """A mailbox, over a channel that is verified first; `hear` is told every line that is said, secrets blanked.

    AccountError where it cannot be opened, or breaks off.
    """
    from imaplib import IMAP4

    from imap_tools.errors import ImapToolsError

    from tui.replies.session import Session

    session: Session | None = None
    try:
        session = Session(login, hear)
        login.authenticate(session.client)
        yield Mailbox(session)
    except (OSError, ValueError, IMAP4.error, ImapToolsError) as error:
        if session is None:
            raise _not_reached(login.where, error) from None
        raise AccountError(
            f"The mailbox at {login.where} cannot be read: {session.blanked(_words(error))}.",
            hint="What was read before is recorded: run the same command again.",
        ) from None
    finally:
        if session is not None:
            with suppress(OSError, ValueError, IMAP4.error, ImapToolsError):
                session.logout()


def _not_reached(where: str, error: Exception) -> AccountError:
    """Before anybody has logged in."""
    import ssl

    from tui.delivery.tls import distrusted

    if isinstance(error, ssl.SSLCertVerificationError):
        message, hint = distrusted(where, error)
        return AccountError(message, hint=hint)
    said = f"The mailbox at {where} cannot be reached: {_words(error)}."
    if isinstance(error, ssl.SSLError | TimeoutError):
        return AccountError(said, hint="Security tls and starttls are different ports, as a rule 993 and 143.")
    return AccountError(said, hint="Check host and port of the IMAP server, and that this machine is online.")


def _readable(folders: Sequence["FolderInfo"]) -> Iterator["FolderInfo"]:
    """The folders in which an answer may lie: answers are found in the bin and among the spam too. Where one folder
    shows everything (Gmail), not each message twice."""
    flags = {info.name: frozenset(flag.lower() for flag in info.flags) for info in folders}
    has_all = any(_EVERYTHING in own for own in flags.values())
    for info in folders:
        own = flags[info.name]
        if not own & _NOT_OURS and (not has_all or own & _BESIDE):
            yield info


def _words(error: Exception) -> str:
    said = getattr(error, "command_result", None)
    if isinstance(said, tuple) and len(said) == 2 and isinstance(said[1], list) and said[1]:
        text = said[1][0].decode("utf-8", "replace") if isinstance(said[1][0], bytes) else str(said[1][0])
    else:
        text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split()).rstrip(".")[:300]

"""Reading mail for answers: from where it lies, through what it says, into the ledger, batch by batch."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from tui.audit.reading import read as parsed
from tui.audit.stores import Unjudged, messages
from tui.folder import Folder
from tui.ledger import Person, Place
from tui.replies.matching import Matcher
from tui.replies.reading import Reading, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tui.delivery import ImapLogin
    from tui.replies.imap import Mailbox

_AT_ONCE = 1_000
"""Mails that are recorded together. The ledger is held only for that, and each time read through for damage."""


@dataclass(slots=True)
class Tally:
    """How many mails were read that had not been read before, how many of them are not about the event, and what could
    not be read at all: where, and why."""

    read: int = 0
    unmatched: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    mails: list[Reading] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)


class Collector:
    """Takes mails of one event in. BusyError from each method while a run holds the ledger."""

    def __init__(self, folder: Folder, tell: "Callable[[int], object] | None" = None) -> None:
        """`tell` is told how many mails have been looked at."""
        self._folder, self._tell = folder, tell
        self.tally = Tally()
        self._seen = 0
        self._position = ""
        self._matcher: Matcher | None = None

    def from_files(self, paths: Sequence[str]) -> None:
        """Reads messages, mboxes, Maildirs and folders of them. InputError where a path is missing or no mail."""
        batch = _Batch()
        for found in messages(paths):
            if isinstance(found, Unjudged):
                self.tally.unreadable.append((found.file, found.reason))
                continue
            batch.mails.append(read(found.mail, found.raw))
            batch = self._recorded_if_full(batch)
        self._record(batch)

    def from_account(self, login: "ImapLogin", account: str) -> None:
        """Reads what has come to an account since the first invitation. AccountError where that is not possible."""
        from tui.replies.imap import opened

        with opened(login) as mailbox:
            self.from_mailbox(mailbox, account)

    def from_mailbox(self, mailbox: "Mailbox", account: str) -> None:
        from tui.replies.imap import Closed

        with self._folder.ledger_to_read() as ledger:
            so_far = {name: (place.validity, place.uid) for name, place in ledger.read_so_far(account).items()}
            since = _first_day(ledger.people())
        if since is None:
            return
        batch = _Batch()
        for found in mailbox.new(so_far, since):
            if isinstance(found, Closed):
                self.tally.unreadable.append((found.folder, found.reason))
                continue
            if found.raw is not None:
                batch.mails.append(read(parsed(found.raw), found.raw))
            batch.places[found.folder] = Place(account, found.folder, found.validity, found.uid)
            batch = self._recorded_if_full(batch)
        self._record(batch)

    def _recorded_if_full(self, batch: _Batch) -> _Batch:
        if len(batch.mails) < _AT_ONCE:
            return batch
        self._record(batch)
        return _Batch()

    def _record(self, batch: _Batch) -> None:
        if not batch.mails and not batch.places:
            return
        with self._folder.ledger_to_write() as ledger:
            if self._matcher is None or ledger.position() != self._position:
                self._matcher = self._matcher_of(ledger.people())
                self._position = ledger.position()
            now = datetime.now(UTC)
            found = [self._matcher.match(mail, now) for mail in batch.mails]
            are_new = ledger.take_in((one.taken for one in found), batch.places.values())
        self._seen += len(found)
        self.tally.read += sum(are_new)
        self.tally.unmatched += sum(is_new and not one.is_about_us for one, is_new in zip(found, are_new, strict=True))
        if self._tell:
            self._tell(self._seen)

    def _matcher_of(self, people: "Mapping[str, Person]") -> Matcher:
        event = self._folder.event
        if event is None:
            return Matcher(people, (), ())
        message = event.message
        ours = [event.organizer.email, message.sender.email if message.sender else "", message.reply_to or ""]
        return Matcher(people, [*filter(None, ours)], [one.title for one in (event, *event.sessions)])


def _first_day(people: "Mapping[str, Person]") -> date | None:
    """The day before the first message of all: nothing can have come back before. None where nothing was sent."""
    stamps = [person.messages[0].stamp for person in people.values() if person.messages]
    return (min(stamps) - timedelta(days=1)).date() if stamps else None

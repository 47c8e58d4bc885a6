"""What one message shows to people who should not see it (contract §4, `audit`)."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tui.audit.people import Calendar, mailboxes, unfolded
from tui.audit.reading import Header, Mail, Part
from tui.contents import Passage, look_into
from tui.guard import Leak, Roll, TooDeep

# Whoever reads the message reads these. The headers of the envelope count where one lists several people: that is how
# some servers undo a Bcc.
_SEEN = ("To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", "Apparently-To")
_OF_THE_ENVELOPE = ("Envelope-To", "X-Envelope-To")
_NAMES = {name.lower(): name for name in (*_SEEN, *_OF_THE_ENVELOPE)}
# Whom this copy was delivered to, as the servers on its way wrote it down.
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-original-recipient", "x-forwarded-to")
_OLE = b"\xd0\xcf\x11\xe0"  # the beginning of a compound file
_RECEIVED_FOR = re.compile(r"\bfor\s+<[^<>\s]*>", re.IGNORECASE)
# Here the attendee is who answers, not who was invited.
_ANSWERS = ("REPLY", "COUNTER", "REFRESH")


@dataclass(frozen=True, slots=True)
class Exposure:
    """What could be seen in one place by people who should not have seen it, in a sentence and one by one."""

    where: str
    sentence: str
    leaks: tuple[Leak, ...]


@dataclass(frozen=True, slots=True)
class Unopened:
    """A place that could not be looked into, and the reason in words: "it is encrypted"."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said of one message. `sender` and `subject` are as the message has them, "" where it has none."""

    sender: str
    subject: str
    exposures: tuple[Exposure, ...]
    unopened: tuple[Unopened, ...]

    @property
    def leaks(self) -> tuple[Leak, ...]:
        return tuple(leak for exposure in self.exposures for leak in exposure.leaks)


def judge(mail: Mail, roll: Roll | None = None) -> Judgement:
    """Who could see whom in this message; with a roll also whom of that list it gives away."""
    return _Judge(mail, roll).judgement()


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that somebody could read, and where. `kind` is as in `contents`."""

    where: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Level:
    """A message, or one inside another: `within` is "" or the way to it, "forwarded.eml/"."""

    mail: Mail
    within: str
    texts: tuple[_Text, ...]


class _Judge:
    """One message. `_found` has what was exposed in each place, by whichever rule found it first."""

    def __init__(self, mail: Mail, roll: Roll | None) -> None:
        self._mail = mail
        self._roll = roll
        self._found: dict[str, set[str]] = {}
        self._exposures: list[Exposure] = []
        self._unopened: dict[str, Unopened] = {}

    def judgement(self) -> Judgement:
        levels = list(self._levels(self._mail, ""))
        organizers, *_ = [self._recipients(level) for level in levels]
        if self._roll is not None:
            recipient = _Recipient(self._mail, self._roll, organizers)
            for level in levels:
                self._listed(level, recipient)
        return Judgement(
            self._mail.first("from"),
            self._mail.first("subject"),
            tuple(self._exposures),
            tuple(self._unopened.values()),
        )

    # --- what there is to see -----------------------------------------------------------------------------------------

    def _levels(self, mail: Mail, within: str) -> Iterator[_Level]:
        """The message itself, then those inside it."""
        for where, reason in mail.unopened:
            self._unopened.setdefault(within + where, Unopened(within + where, reason))
        inner = [(part, _inside(part)) for part in mail.parts]
        texts = [text for part, one in inner if one is None for text in self._texts(part, within + part.where)]
        if mail.between.strip():
            texts.append(_Text(f"{within}between the parts", mail.between.decode("latin-1"), "text"))
        yield _Level(mail, within, tuple(texts))
        for part, one in inner:
            if one is not None:
                yield from self._levels(one, f"{within}{part.where}/")

    def _texts(self, part: Part, where: str) -> Iterator[_Text]:
        if not part.is_file:
            text = part.text()
            yield _Text(where, text, "calendar" if "BEGIN:VCALENDAR" in text.upper() else "text")
            return
        for found in look_into(part.names[0] if part.names else "", part.content):
            place = "/".join(filter(None, (where, found.where)))
            if isinstance(found, Passage):
                yield _Text(place, found.text, found.kind)
            else:
                self._unopened.setdefault(place, Unopened(place, found.reason))

    # --- everybody who was written to ---------------------------------------------------------------------------------

    def _recipients(self, level: _Level) -> set[str]:
        """Exposes the recipients who could see each other; returns who organizes the calendar entries."""
        mail, within = level.mail, level.within
        headers = _recipients_by_header(mail)
        people = {who for some in headers.values() for who in some}
        calendars = [(text.where, Calendar(text.text)) for text in level.texts if text.kind == "calendar"]
        organizers = {who for _, calendar in calendars for who in calendar.organizers}
        self._recipients_in_files(level)
        guests = {who for _, calendar in calendars for who in calendar.attendees} - organizers
        if len(people) > 1:
            for name, some in headers.items():
                self._expose(within + name, some, _seen_in_header(within + name, len(some), len(people)))
        if len(guests) > 1 or (guests and len(people) > 1):
            for where, calendar in calendars:
                invited = [who for who in calendar.attendees if who not in organizers]
                self._expose(where, invited, _seen_in_calendar(where, len(invited)))
        elif guests and people and not guests & (people | _senders(mail) | _delivered_to(mail)):
            for where, calendar in calendars:
                if calendar.attendees and calendar.method not in _ANSWERS:
                    self._expose(
                        where, sorted(guests), f"The entry in {_said(where)} is somebody else's than the message."
                    )
        return organizers

    def _recipients_in_files(self, level: _Level) -> None:
        """The same for mails that were found inside attached files, a ZIP say: each header is a text there."""
        mails: dict[str, dict[str, dict[str, None]]] = {}
        for text in level.texts:
            above, slash, last = text.where.rpartition("/")
            if slash and last.title() in _SEEN:
                mails.setdefault(above, {}).setdefault(text.where, {}).update(dict.fromkeys(mailboxes(text.text)))
        for headers in mails.values():
            people = {who for some in headers.values() for who in some}
            if len(people) > 1:
                for where, some in headers.items():
                    self._expose(where, list(some), _seen_in_header(where, len(some), len(people)))

    # --- everybody who is on the list ---------------------------------------------------------------------------------

    def _listed(self, level: _Level, recipient: "_Recipient") -> None:
        """Exposes whoever of the roll stands anywhere, and is not the recipient."""
        for header in level.mail.headers:
            name = header.name.lower()
            if name in _DELIVERED and not level.within and len(mailboxes(header.raw)) < 2:
                continue
            self._named(level.within + _NAMES.get(name, header.name), _both_ways(header), recipient)
        for part in level.mail.parts:
            for label in (*map(_both_ways, part.headers), *part.names):
                self._named(level.within + part.where, label, recipient)
        for text in level.texts:
            lines = f"{text.text}\n{readable(text.text)}" if text.kind == "calendar" else text.text
            self._named(text.where, lines, recipient)

    def _named(self, where: str, text: str, recipient: "_Recipient") -> None:
        people = sorted(recipient.others_in(text) - self._found.get(where, set()))
        words = "1 address" if len(people) == 1 else f"{len(people)} addresses"
        self._expose(where, people, f"{words} of other people on the list could be seen in {_said(where)}.")

    def _expose(self, where: str, people: Sequence[str], sentence: str) -> None:
        known = self._found.setdefault(where, set())
        fresh = [who for who in dict.fromkeys(people) if who not in known]
        if fresh:
            known.update(fresh)
            self._exposures.append(Exposure(where, sentence, tuple(Leak(where, who, sentence) for who in fresh)))


class _Recipient:
    """Whose copy a message is, and who else of the roll stands in a text."""

    def __init__(self, mail: Mail, roll: Roll, organizers: set[str]) -> None:
        self._roll = roll
        addressed = {who for some in _recipients_by_header(mail).values() for who in some}
        own = addressed if len(addressed) == 1 else set()
        if len(addressed) < 2 and not any(map(self._listed_in, own)):
            own = own | _delivered_to(mail)  # To is a distribution list's address, or nobody's
        # Who wrote the message has not been given away by it.
        self._allowed = {form for who in (*own, *_senders(mail), *organizers) for form in self._forms(who)}

    def _forms(self, who: str) -> Iterator[str]:
        """The mailboxes that are this person's: as spelled, and as the roll has them where dots are ignored."""
        yield _mailbox(who)
        for key in self._listed_in(who):
            if _dotless(key) == _dotless(who):
                yield _mailbox(key)

    def _listed_in(self, text: str) -> frozenset[str]:
        try:
            return self._roll.find(text, _no_value)[0]
        except TooDeep:
            return frozenset()  # what nobody's program would ever decode was shown to nobody

    def others_in(self, text: str) -> set[str]:
        """The keys of the roll that stand in `text`; of an address with a +tag, which is found without it too, one."""
        found = {who for who in self._listed_in(text) if _mailbox(who) not in self._allowed}
        tagged = {_mailbox(who) for who in found if _mailbox(who) != who}
        return found - tagged


def _inside(part: Part) -> Mail | None:
    """The message that a part is, also in Outlook's own kind of file."""
    if part.inner is None and part.is_file and part.content.startswith(_OLE):
        from tui.audit import outlook

        if outlook.is_message(part.content):
            with suppress(outlook.Damaged):
                return outlook.read_file(part.content)
    return part.inner


def _no_value(_text: str) -> tuple[str, ...]:
    return ()


def _mailbox(key: str) -> str:
    """A key without its +tag: mail to both comes to the same person."""
    local, _, domain = key.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def readable(calendar: str) -> str:
    """A calendar object with whole lines, and line breaks where its values have them."""
    return re.sub(r"\\[nN]|\^n", "\n", unfolded(calendar))


def _dotless(key: str) -> str:
    """What is left of the part before the @ for a provider that ignores dots and +tags."""
    return _mailbox(key).rpartition("@")[0].replace(".", "")


def _recipients_by_header(mail: Mail) -> dict[str, list[str]]:
    """The keys of the people in each header that shows recipients, in the order of the message."""
    found: dict[str, dict[str, None]] = {}
    for header in mail.headers:
        name = _NAMES.get(header.name.lower())
        if name is None:
            continue
        some = mailboxes(header.raw)
        if name in _SEEN or len(some) > 1:
            found.setdefault(name, {}).update(dict.fromkeys(some))
    return {name: list(some) for name, some in found.items() if some}


def _both_ways(header: Header) -> str:
    """A header's value as it stands and as it reads, but for the recipient whom a server noted down in passing."""
    raw = _RECEIVED_FOR.sub("", header.raw) if header.name.lower() == "received" else header.raw
    return raw if header.value == header.raw else f"{raw}\n{header.value}"


def _senders(mail: Mail) -> set[str]:
    return {who for name in ("from", "sender") for header in mail.all(name) for who in mailboxes(header.raw)}


def _delivered_to(mail: Mail) -> set[str]:
    return {who for name in _DELIVERED for header in mail.all(name) for who in mailboxes(header.raw)}


def _seen_in_header(where: str, count: int, total: int) -> str:
    if where.endswith("Bcc"):
        words = "1 address is" if count == 1 else f"{count} addresses are"
        return f"{words} still in {where}: whoever got this very copy could see them."
    if count == total:
        return f"{count} people could see each other's addresses in {where}."
    words = "1 address" if count == 1 else f"{count} addresses"
    return f"{words} in {where} could be seen by all {total} recipients."


def _seen_in_calendar(where: str, count: int) -> str:
    if count == 1:
        return f"1 guest could be seen in {_said(where)} by the others."
    return f"{count} guests could see each other's addresses in {_said(where)}."


def _said(where: str) -> str:
    """A place, in a sentence."""
    return {"text": "the text", "html": "the HTML", "calendar": "the calendar"}.get(where, where)

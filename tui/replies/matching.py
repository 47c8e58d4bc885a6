"""Whose mail it is: what was read, matched with what the ledger says was sent. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tui.address import key_of
from tui.clean import body_text, one_line
from tui.ledger import Answer, Bounce, Person, Request, Response, Sent, Taken
from tui.replies.delivery_status import Failure
from tui.replies.itip import Attendee, CalendarAnswer
from tui.replies.reading import Reading
from tui.replies.requests import judge
from tui.replies.words import Words

_SPOKEN: Mapping[str, Response] = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "TENTATIVE": "tentative",
    "DELEGATED": "delegated",
}
_LONGEST_COMMENT = 2_000
_EARLIER = timedelta(days=1)
"""A sender's clock may be wrong by so much."""

_WRITES_INTO_THE_TEXT = re.compile(r"microsoft|outlook|exchange", re.IGNORECASE)
_GENERATED = re.compile(r"\b(?:has (?:accepted|declined|tentatively)|hat (?:die|diese) |https?://)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Matched:
    """What one mail means for the event: to be recorded; and whether it has to do with it at all."""

    taken: Taken
    is_about_us: bool


class Matcher:
    """Everybody who was sent something, found by what a mail names."""

    def __init__(self, people: Mapping[str, Person], organizer: Sequence[str], titles: Sequence[str]) -> None:
        """`organizer` are the addresses that are ours; `titles` what the event is called."""
        self._people = people
        self._ours = {key_of(address) for address in organizer}
        self._titles = [_squashed(title) for title in titles if _squashed(title)]
        self._by_uid: dict[str, list[Sent]] = {}
        self._by_message_id: dict[str, Sent] = {}
        self._by_reference: dict[str, list[Sent]] = {}
        self._by_address: dict[str, list[Sent]] = {}
        for person in people.values():
            for sent in person.messages:
                self._by_uid.setdefault(sent.uid.casefold(), []).append(sent)
                self._by_address.setdefault(key_of(sent.address), []).append(sent)
                if sent.message_id:
                    self._by_message_id[sent.message_id.strip("<>")] = sent
                if not sent.is_foreign:
                    self._by_reference.setdefault(sent.uid.partition("@")[0].casefold(), []).append(sent)

    def match(self, mail: Reading, now: datetime) -> Matched:
        at = min(mail.at or now, now)
        if mail.answers:
            return self._of_a_calendar(mail, at)
        if mail.failures:
            return self._of_a_server(mail, at)
        if mail.words is None:
            is_about_us = self._referred(mail) is not None or mail.sender in self._by_address
            return Matched(Taken(mail.identity), is_about_us)
        if mail.sender in self._ours or mail.message_id in self._by_message_id:
            return Matched(Taken(mail.identity), is_about_us=True)  # what we sent ourselves
        request = self._in_words(mail, mail.words, at)
        return Matched(Taken(mail.identity, requests=(request,) if request else ()), request is not None)

    # --- calendars -------------------------------------------------------------------------------------------------

    def _of_a_calendar(self, mail: Reading, at: datetime) -> Matched:
        found, requests, is_about_us = list[Answer](), list[Request](), False
        for one in mail.answers:
            attendee = one.of(mail.sender)
            sent = self._invited(one, attendee)
            if sent is None or attendee is None:
                continue
            is_about_us = True
            response: Response | None = "countered" if one.is_counter else _SPOKEN.get(attendee.status)
            if response is None:
                continue  # NEEDS-ACTION: the invitation was opened, and not answered
            comment = _comment(one, attendee, mail.words)
            found.append(self._answer(mail, one, attendee, sent, response, comment, at))
            if comment and (request := self._beside(found[-1], sent, comment)):
                requests.append(request)
        return Matched(Taken(mail.identity, tuple(found), requests=tuple(requests)), is_about_us)

    def _invited(self, one: CalendarAnswer, attendee: Attendee | None) -> Sent | None:
        """The newest message of the entry that is answered; of an entry that many had, the one to this address."""
        sent = self._by_uid.get(one.uid.casefold(), [])
        if attendee is not None and len({message.key for message in sent}) > 1:
            sent = [message for message in sent if key_of(message.address) == key_of(attendee.address)]
        return sent[-1] if sent else None

    def _answer(
        self,
        mail: Reading,
        one: CalendarAnswer,
        attendee: Attendee,
        sent: Sent,
        response: Response,
        comment: str,
        at: datetime,
    ) -> Answer:
        who = key_of(attendee.address)
        own = {key_of(address): address for address in (sent.address, self._people[sent.key].address)}
        return Answer(
            key=sent.key,
            uid=sent.uid,
            address=own.get(who, one_line(attendee.address)),
            sender=mail.sender,
            response=response,
            sequence=one.sequence,
            stamp=one.stamp or at,
            at=at,
            comment=comment,
            proposed=one.proposed,
            leaning=_SPOKEN.get(attendee.status, "") if response == "countered" else "",
            delegated_to=attendee.delegated_to if response == "delegated" else "",
            occurrence=one.occurrence,
            is_verified=who in own and mail.sender == who,
            is_forwarded=who not in own,
        )

    def _beside(self, answer: Answer, sent: Sent, comment: str) -> Request | None:
        """What somebody asks for in the comment of their answer; a comment that asks for nothing is only a comment."""
        kind, suggested = judge(Words(comment, ""), self._own(sent))
        if kind != "address" or answer.is_forwarded:
            return None
        return Request(sent.key, sent.address, answer.sender, kind, comment, suggested, answer.at)

    # --- mail servers ----------------------------------------------------------------------------------------------

    def _of_a_server(self, mail: Reading, at: datetime) -> Matched:
        found = [(failure, sent) for failure in mail.failures if (sent := self._returned(failure))]
        bounces = (Bounce(sent.key, sent.id, sent.address, one.kind, one.reply, at) for one, sent in found)
        return Matched(Taken(mail.identity, bounces=tuple(bounces)), is_about_us=bool(found))

    def _returned(self, failure: Failure) -> Sent | None:
        """The message that has come back: by its envelope, its id, our header; by the address alone where nothing else
        has gone there."""
        returned = failure.returned
        for id_ in (returned.envelope, *returned.message_ids):
            if sent := self._by_message_id.get(id_):
                return sent
        for reference in returned.references:
            if of_entry := self._by_reference.get(reference.casefold()):
                return next((one for one in reversed(of_entry) if one.may_have_arrived), of_entry[-1])
        for recipient in failure.recipients:
            there = [one for one in self._by_address.get(key_of(recipient), ()) if one.outcome in _OUT]
            if len(there) == 1:
                return there[0]
            if there:
                return None
        return None

    # --- words -----------------------------------------------------------------------------------------------------

    def _in_words(self, mail: Reading, words: Words, at: datetime) -> Request | None:
        sent = self._referred(mail)
        is_an_answer = sent is not None
        if sent is None:
            there = self._by_address.get(mail.sender, [])
            there = [one for one in there if one.outcome in _OUT and at > one.stamp - _EARLIER]
            sent = there[-1] if there else None
        if sent is None or not words.all.strip():
            return None
        kind, suggested = judge(words, self._own(sent))
        if not is_an_answer and kind == "other" and not self._names_us(mail.subject):
            return None  # somebody on the list has written of something else
        return Request(sent.key, sent.address, mail.sender, kind, body_text(words.all), suggested, at)

    def _referred(self, mail: Reading) -> Sent | None:
        return next((self._by_message_id[one] for one in mail.references if one in self._by_message_id), None)

    def _names_us(self, subject: str) -> bool:
        squashed = _squashed(subject)
        return any(title in squashed for title in self._titles)

    def _own(self, sent: Sent) -> set[str]:
        """The addresses that cannot be a new one of this person: where they are invited, and ours."""
        return {key_of(sent.address), key_of(self._people[sent.key].address), *self._ours}


_OUT = ("accepted", "unknown")


def _comment(one: CalendarAnswer, attendee: Attendee, words: Words | None) -> str:
    """The note with an answer. Outlook writes it into the mail's text as well as, or in place of, the calendar's."""
    comment = one.comment or attendee.comment
    if not comment and words is not None and _WRITES_INTO_THE_TEXT.search(one.program):
        comment = "" if _GENERATED.search(words.body) else words.body
    return comment[:_LONGEST_COMMENT]


def _squashed(text: str) -> str:
    return " ".join(text.casefold().split())

"""Messages to look at, before any is sent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tui import plan
from tui.address import key_of
from tui.attendees import Attendee
from tui.errors import InputError
from tui.event import Event
from tui.folder.sending import Sending
from tui.plan import Plan


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as it would be sent: read back from its final bytes, which are `source`."""

    address: str
    action: str
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    calendar: str
    source: bytes


class Viewing(Sending):
    def view(self, attendee: Attendee, session: str | None = None) -> MessageView:
        """The message that this attendee would be sent, or holds: of their first session, or of the one that is named.

        InputError or LeakError where there can be none.
        """
        from tui import mailing

        # Not `problems`: one person's message is shown before everybody's has been composed.
        place = (attendee.file, attendee.line)
        own = [problem for problem in self.attendees.problems if (problem.file, problem.line) == place]
        if self.event:
            own += plan.session_problems(self.event, [attendee])
        common = (*self._event_problems, *(self._wording_problems if self.event else ()))
        faults = [problem for problem in (*own, *common) if problem.severity == "error"]
        if faults:
            raise InputError(faults[0].message, hint=faults[0].hint, code=faults[0].code, problems=faults)
        about = self._session_to_show(attendee, session)
        people = {
            key: part
            for key, person in self._people_like(attendee).items()
            if (part := person.sessions.get(about.session))
        }
        action = [one for one in plan.make(about, [attendee], people).actions if one.kind != "removed"][-1]
        if action.action == "none":
            # As corrected since, where it was.
            first = plan.make(about, [replace(action.attendee, withdrawn=None)], {}).actions[0]
            shown = replace(first, uid=action.uid or first.uid, sequence=action.sequence)
        else:
            shown = action
        made = mailing.prepare(Plan((shown,), ""), self._composer, self._roll_beside(shown))
        return read_back(shown.attendee.address, action.action, made.clear(made.letters[0]).raw)

    def read_through(self, intended: Plan, *, note: str = "") -> "Iterator[MessageView]":
        """The plan's messages one after the other, as a send would make them: to look at. InputError or LeakError."""
        from tui import mailing

        for action in intended.to_send:
            made = mailing.prepare(Plan((action,), ""), self._composer, self._roll_beside(action), note=note)
            yield read_back(action.attendee.address, action.action, made.clear(made.letters[0]).raw)

    def find(self, text: str) -> Attendee:
        """Who has this address on the list, or has been corrected to it. InputError where nobody has."""
        key = key_of(text)
        records = self.attendees.records
        for record in records:
            if key_of(record.address) == key:
                return record
        was = {key_of(person.address): person.key for person in self.people().values() if person.corrections}
        for record in records:
            if record.key == was.get(key):
                return record
        raise InputError(f"{text} is not on the list.", hint="Check the spelling.", code="unknown-address")

    def _session_to_show(self, attendee: Attendee, name: str | None) -> Event:
        if name is None:
            return plan.sessions_of(self._event, attendee)[0][0]
        found = plan.find_session(self._event, name)
        if found is None:
            ids = ", ".join(one.session for one in self._event.sessions) or "none"
            raise InputError(f"The event has no session “{name}”.", hint=f"It has: {ids}.", code="unknown-session")
        return found


def read_back(address: str, action: str, raw: bytes) -> MessageView:
    """The message as a mail program reads it."""
    from email import message_from_bytes, policy

    message = message_from_bytes(raw, policy=policy.default)
    readings = {part.get_content_type(): part for part in message.walk() if not part.is_attachment()}

    def text(kind: str) -> str:
        content = readings[kind].get_content()
        return str(content) if isinstance(content, str) else content.decode("utf-8")

    headers = tuple((name, str(value)) for name, value in message.items())
    return MessageView(
        address,
        action,
        str(message["Subject"]),
        headers,
        text("text/plain").replace("\r\n", "\n"),
        text("text/html").replace("\r\n", "\n"),
        text("text/calendar"),
        raw,
    )

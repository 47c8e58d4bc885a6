"""The pages beside a selected attendee, as lines of words: pure, so that what is said can be read without a screen.

Everything that came from outside passes `visible` here, and nothing is ever parsed as markup.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content

from tui.app.state import ANSWER_MARKS, MARKS, as_corrected
from tui.app.words import count
from tui.clean import visible
from tui.errors import InviteError, Problem

if TYPE_CHECKING:
    from tui.app.timeline import Moment
    from tui.attendees import Attendee
    from tui.event import Event
    from tui.folder import MessageView
    from tui.ledger import Decision
    from tui.ledger.records import Person
    from tui.mailing import Settled
    from tui.plan import Action

TONES = ("label", "strong", "quiet", "good", "bad", "care", "link")
"""The names that a line's spans may carry; the reader gives each its colour."""

PAGES = ("Message", "HTML", "Calendar", "Headers", "Source", "History")

_LABEL = 10  # cells for "Subject   "
_MOST_LINES = 20_000  # of a source with large attachments; the rest is counted, not drawn


@dataclass(frozen=True, slots=True)
class Line:
    """One line before it is wrapped; what wraps is indented by as many cells as `lead` has."""

    body: Content
    lead: Content = field(default_factory=Content)


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is known of the selected attendee. `view` is None while the message is being made.

    `actions` is what they are owed, one for each session; `decisions` are the organiser's about them. `settled` is what
    the run that is on has done: newer than `person` and `actions`, which are read when it is over.
    """

    attendee: "Attendee"
    event: "Event | None" = None
    problems: tuple[Problem, ...] = ()
    view: "MessageView | InviteError | None" = None
    person: "Person | None" = None
    actions: "tuple[Action, ...]" = ()
    settled: "Settled | None" = None
    decisions: "tuple[Decision, ...]" = ()

    @property
    def wrong(self) -> tuple[Problem, ...]:
        """What is wrong with this person's message, whoever's fault it is."""
        said = self.view.problems if isinstance(self.view, InviteError) else ()
        return self.problems or tuple(said)

    @property
    def corrected(self) -> "Attendee":
        """The attendee, with what the organiser has corrected of them."""
        return as_corrected(self.attendee, self.person)


def page(name: str, subject: Subject) -> list[Line]:
    """The page called `name`, for this attendee."""
    if name == "History":
        return list(_history(subject))
    lines = (
        [*problems_in_words(subject.problems), *_trouble(subject), *_corrected(subject), *_sessions(subject)]
        if name == "Message"
        else []
    )
    if subject.view is None:
        return lines
    if isinstance(subject.view, InviteError):
        return lines or list(failure_in_words("This message cannot be made yet.", subject.view))
    make = {"Message": _message, "HTML": _html, "Calendar": _calendar, "Headers": _headers, "Source": _source}[name]
    return lines + list(make(subject.view, subject))


def text_line(text: str = "", tone: str = "") -> Line:
    return Line(_content(text, tone))


def field_line(label: str, value: str, tone: str = "", *, width: int = _LABEL) -> Line:
    """A label and what belongs to it, in two columns."""
    return Line(_content(visible(value), tone), _content(f"{label:<{width - 1}} ", "label"))


def problems_in_words(problems: Sequence[Problem]) -> Iterator[Line]:
    """Each problem with its sign, where it is, and what to do; an empty line after them."""
    for problem in sorted(problems, key=lambda one: one.severity != "error"):
        error = problem.severity == "error"
        lead = _content("▲ " if error else "△ ", "bad" if error else "care")
        yield Line(_content(visible(problem.message), "strong"), lead)
        under = _content("  ")
        if problem.value and problem.value not in problem.message:
            yield Line(_content(visible(problem.value), "bad" if error else "care"), under)
        if problem.hint:
            yield Line(_content(visible(problem.hint)), _content("→ ", "quiet"))
        if problem.code == "leak" and "@" in (problem.value or ""):
            said = "enter, twice, goes to where it comes from; / and this address finds whose it is"
            yield Line(_content(said, "quiet"), under)
        if where := _where(problem):
            yield Line(_content(where, "quiet"), under)
        yield text_line()


def failure_in_words(headline: str, error: InviteError) -> Iterator[Line]:
    """What went wrong and what to do about it, with the problems that the core names."""
    yield Line(_content(headline, "strong"), _content("▲ ", "bad"))
    if all(one.message not in error.message for one in error.problems):
        yield Line(_content(visible(error.message)), _content("  "))
        if error.hint:
            yield Line(_content(visible(error.hint)), _content("→ ", "quiet"))
    yield text_line()
    yield from problems_in_words(error.problems)


def _where(problem: Problem) -> str:
    parts = [problem.file or "", f"line {problem.line}" if problem.line else "", problem.column or ""]
    return visible(", ".join(part for part in parts if part))


def _trouble(subject: Subject) -> Iterator[Line]:
    """What went wrong with the newest message to this person, and what to do about it."""
    word, reply = "accepted", ""
    if subject.settled is not None:
        word, reply = subject.settled.outcome, subject.settled.reply
    elif subject.person is not None:
        latest = subject.person.latest
        word, reply = ("bounced", latest.bounced) if latest.bounced is not None else (latest.outcome, latest.reply)
    if (advice := _ADVICE.get(word)) is None:
        return
    mark = {**MARKS, **ANSWER_MARKS}[word]
    yield Line(_content(f"{word}: {visible(reply)}" if reply else word, "strong"), _content(f"{mark.sign} ", mark.tone))
    yield Line(_content(advice), _content("→ ", "quiet"))
    yield text_line()


_ADVICE = {
    "refused": "a corrects the address and sends anew; 6 is what happened before.",
    "bounced": "a corrects the address and sends anew; 6 is what happened before.",
    "deferred": "Not now, said the server: s tries again.",
    "unknown": "It may have arrived: ask them. r sends it once more.",
}


def _message(view: "MessageView", _: Subject) -> Iterator[Line]:
    yield from _address_lines(view)
    for line in visible(view.text.rstrip(), lines=True).split("\n"):
        yield text_line(line)


def _html(view: "MessageView", _: Subject) -> Iterator[Line]:
    from tui.app.reading import read_html

    yield text_line("o opens it in the browser", "quiet")
    yield text_line()
    for pieces in read_html(view.html):
        parts = [_content(visible(text), tone) for text, tone in pieces]
        bullet = parts and parts[0].plain == "• "
        yield Line(Content.assemble(*parts[1:]), parts[0]) if bullet else Line(Content.assemble(*parts))


def _address_lines(view: "MessageView") -> Iterator[Line]:
    headers = {name.lower(): value for name, value in view.headers}
    yield field_line("Subject", view.subject, "strong")
    for name in ("From", "To", "Reply-To"):
        if value := headers.get(name.lower()):
            yield field_line(name, value)
    yield text_line()


def _headers(view: "MessageView", _: Subject) -> Iterator[Line]:
    width = max((len(name) for name, _value in view.headers), default=0) + 2
    for name, value in view.headers:
        yield field_line(visible(name), value, width=min(width, 30))


def _source(view: "MessageView", _: Subject) -> Iterator[Line]:
    lines = view.source.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")
    for line in lines[:_MOST_LINES]:
        yield text_line(visible(line))
    if (more := len(lines) - _MOST_LINES) > 0:
        yield text_line()
        yield text_line(f"... and {count(more, 'line')} more: `invite-tui preview --part source` has them all", "quiet")


def _calendar(view: "MessageView", subject: Subject) -> Iterator[Line]:
    raw = view.calendar.replace("\r\n", "\n").rstrip("\n")
    entry = _calendar_entry(raw)
    method = entry.get("METHOD", "")
    words = {"REQUEST": "An invitation to answer", "CANCEL": "A cancellation"}.get(method, method)
    yield text_line(words if entry.get("SEQUENCE", "0") == "0" else f"{words}, update {entry['SEQUENCE']}", "good")
    yield text_line(visible(entry.get("SUMMARY", "")), "strong")
    yield text_line()
    when = subject.event.when if subject.event is not None else _when(entry)
    rows = [
        ("When", when),
        ("In UTC", _when(entry)),
        ("Where", entry.get("LOCATION", "")),
        ("Link", entry.get("URL", "")),
        ("About", entry.get("DESCRIPTION", "")),
        ("From", entry.get("ORGANIZER", "")),
        ("For", entry.get("ATTENDEE", "")),
    ]
    for label, value in rows:
        if value:
            yield field_line(label, value)
    yield text_line()
    yield text_line("As it is sent", "label")
    for line in visible(raw, lines=True).split("\n"):
        yield text_line(line, "quiet")


def _calendar_entry(raw: str) -> dict[str, str]:
    """The first value of each property outside VTIMEZONE and VALARM, folded lines joined (RFC 5545 §3.1, §3.3.11)."""
    found: dict[str, str] = {}
    inside: list[str] = []
    for line in raw.replace("\n ", "").replace("\n\t", "").split("\n"):
        head, _, value = _split_property(line)
        name, _, parameters = head.partition(";")
        name = name.upper()
        if name == "BEGIN":
            inside.append(value.upper())
        elif name == "END" and inside:
            inside.pop()
        elif inside and inside[-1] in ("VCALENDAR", "VEVENT"):
            found.setdefault(name, _person(value, parameters) if name in ("ORGANIZER", "ATTENDEE") else _plain(value))
    return found


def _split_property(line: str) -> tuple[str, str, str]:
    """Name and parameters, colon, value: the first colon that is not inside a quoted parameter value."""
    quoted = False
    for at, char in enumerate(line):
        if char == '"':
            quoted = not quoted
        elif char == ":" and not quoted:
            return line[:at], ":", line[at + 1 :]
    return line, "", ""


def _plain(value: str) -> str:
    marks = value.replace("\\\\", "\0").replace("\\n", " ").replace("\\N", " ").replace("\\,", ",")
    return marks.replace("\\;", ";").replace("\0", "\\")


def _person(value: str, parameters: str) -> str:
    address = value[7:] if value.lower().startswith("mailto:") else value
    for parameter in _split_parameters(parameters):
        if parameter.upper().startswith("CN="):
            return f"{parameter[3:].strip(chr(34))} <{address}>"
    return address


def _split_parameters(parameters: str) -> Iterable[str]:
    part, quoted = "", False
    for char in parameters + ";":
        quoted ^= char == '"'
        if char == ";" and not quoted:
            yield part
            part = ""
        else:
            part += char


def _when(entry: dict[str, str]) -> str:
    start, end = _moment(entry.get("DTSTART", "")), _moment(entry.get("DTEND", ""))
    if start is None:
        return entry.get("DTSTART", "")
    until = f" to {end:%H:%M}" if end is not None and end.date() == start.date() else f" to {end}" if end else ""
    return f"{start.day} {start:%B %Y, %H:%M}{until}"


def _moment(value: str) -> datetime | None:
    try:
        return datetime.strptime(value.rstrip("Z"), "%Y%m%dT%H%M%S")  # said to be UTC beside it
    except ValueError:
        return None


def _history(subject: Subject) -> Iterator[Line]:
    tones = {"accepted": "good", "refused": "bad"}
    if (settled := subject.settled) is not None:
        words = {"accepted": "sent", "unsent": "not tried"}.get(settled.outcome, settled.outcome)
        yield field_line("Just now", f"{settled.action.action}: {words}", tones.get(settled.outcome, "care"))
        if settled.reply:
            yield field_line("", settled.reply)
        yield text_line()
    elif subject.actions:
        for number, action in enumerate(subject.actions):
            yield field_line("" if number else "Next", next_in_words(subject, action))
        yield text_line()
    from tui.app.timeline import timeline

    person = subject.person
    if person is None or not person.messages:
        if any(one.kind == "forgotten" for one in subject.actions):
            yield text_line("What was sent to this person, the ledger was made to forget.", "quiet")
        elif settled is None:
            yield text_line("Nothing has been sent to this person yet.", "quiet")
        return
    for moment in timeline(person, subject.decisions):
        yield from _moment_in_words(subject, moment)


def _moment_in_words(subject: Subject, moment: "Moment") -> Iterator[Line]:
    """One moment of the timeline: a sign, when and what; below it, along the line, what belongs to it."""
    mark = MARKS.get(moment.outcome)
    sign, tone = (mark.sign, mark.tone) if mark is not None else ("◆", "label")
    when = f"{moment.at.astimezone():%Y-%m-%d %H:%M}"
    session = f"{session_title(subject, moment.session)}: " if moment.session else ""
    yield Line(
        Content.assemble(
            _content(f"{when}  ", "label"),
            _content(visible(f"{session}{moment.words}"), "strong"),
            _content(f"  {moment.outcome}" if moment.outcome else "", tone),
        ),
        _content(f"{sign} ", tone),
    )
    below = _content("│ ", "quiet")
    if moment.address:
        yield Line(_content(f"to {visible(moment.address)}", "quiet"), below)
    for change in moment.changes:
        old, new = visible(change.old) or "none", visible(change.new) or "none"
        yield Line(_content(f"{change.what}: {old} → {new}"), below)
    if moment.reply:
        yield Line(_content(visible(moment.reply), "quiet"), below)
    if moment.digest:
        yield Line(_content(visible(moment.digest), "quiet"), _content("│ SHA-256 ", "quiet"))
    if moment.kept:
        yield Line(_content("the message itself is kept: ^p writes all that are", "quiet"), below)
    yield Line(_content(""), below)


def _corrected(subject: Subject) -> Iterator[Line]:
    """What the list still has, of somebody who was corrected since."""
    was, now = subject.attendee, subject.corrected
    if was is now or (was.address, was.cells) == (now.address, now.cells):
        return
    cells = [cell for cell, new in zip(was.cells, now.cells, strict=False) if cell != new]
    said = ", ".join(
        visible(one) or "blank" for one in dict.fromkeys([was.address] * (was.address != now.address) + cells)
    )
    yield Line(_content(f"Corrected since; the list still says {said}.", "quiet"), _content("◆ ", "label"))
    yield text_line()


def _sessions(subject: Subject) -> Iterator[Line]:
    """Of somebody who comes to several sessions, what becomes of each."""
    if len(subject.actions) < 2 or subject.settled is not None:
        return
    to_send = sum(action.action != "none" for action in subject.actions)
    yield text_line(f"{count(to_send, 'message')} to send, of {count(len(subject.actions), 'session')}", "label")
    for action in subject.actions:
        sign, tone = ("·", "quiet") if action.action == "none" else ("✓", "good")
        yield Line(_content(visible(next_in_words(subject, action))), _content(f"{sign} ", tone))
    yield text_line()


def next_in_words(subject: Subject, action: "Action") -> str:
    """What a send would do for this person, and for which session, and why."""
    words = "nothing to send" if action.action == "none" else action.action
    said = f"{words}: {action.reason}"
    return f"{session_title(subject, action.session)}: {said}" if action.session else said


def session_title(subject: Subject, session: str) -> str:
    """A session by its title; by its id, where the event no longer has it."""
    for one in subject.event.each if subject.event is not None else ():
        if one.session == session:
            return one.title.removeprefix(f"{subject.event.title}: ") if subject.event is not None else one.title
    return session


def _content(text: str, tone: str = "") -> Content:
    return Content.styled(text, tone) if tone else Content(text)

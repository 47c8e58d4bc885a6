"""What the screen shows: one frozen value, replaced whole. The app owns it; every widget only reads it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tui.app.asking import Purpose
from tui.errors import InviteError

if TYPE_CHECKING:
    from tui.attendees import Attendee
    from tui.delivery import Account
    from tui.folder import Folder, Promise
    from tui.ledger import Answers
    from tui.ledger.records import Person
    from tui.mailing import Question, Settled
    from tui.plan import Action

Place = tuple[str | None, int | None]
"""A file and the line on which a record starts."""

TROUBLES = ("refused", "deferred", "unknown")
"""Outcomes that the organiser has to look after."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a send would do now, and what the ledger holds.

    `actions` are those of everybody whom the ledger knows, by key, and `known` is where they are among the records;
    `shared` are the addresses, casefolded, that several of them have. Where it `invites_others`, everybody else on the
    list is owed a first invitation. `ready` counts the messages that a send would send. `holding` counts who has what
    they are to have; `troubles` the listed people whose last message was refused, deferred or may not have arrived, and
    `unsettled` is where they are among the records, with who has withdrawn and still holds an invitation. `removed`
    counts who is no longer on the list and still holds one.
    `answers` counts the people of whom something has come back, by `ANSWERS`, and `requests` what they ask in words and
    is still open. `promise` is a replacement that is owed to people; `due` counts those who were to be kept until a day
    that is over. `blocked`: why no plan can be made.
    """

    actions: Mapping[str, "tuple[Action, ...]"] = field(default_factory=dict)
    known: Sequence[int] = ()
    people: Mapping[str, "Person"] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    invites_others: bool = False
    ready: int = 0
    sent: int = 0
    holding: int = 0
    troubles: Mapping[str, int] = field(default_factory=dict)
    unsettled: Sequence[int] = ()
    removed: int = 0
    answers: Mapping[str, int] = field(default_factory=dict)
    requests: int = 0
    promise: "Promise | None" = None
    due: int = 0
    blocked: InviteError | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One rehearsal or send, under way or over.

    `settled` is a view of what the worker has settled so far: it grows while the run is on, so that a batch costs what
    is in it and not what came before. `before` holds the outcomes that this run may replace. `active` is seconds of
    work, pauses left out; `silent` those since something was heard, and `pace` the seconds between two messages.
    `asked`: every message was checked, and it is the server's turn; until then `made` is how many of how many were.
    """

    purpose: Purpose
    total: int
    place: str
    settled: Mapping[str, "Settled"]
    counts: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    active: float = 0.0
    silent: float = 0.0
    pace: float = 0.0
    asked: bool = False
    made: tuple[int, int] = (0, 0)
    waiting: tuple[float, str] | None = None
    held: tuple[float, str] | None = None
    """Before the first message: in so many seconds it begins; why."""
    question: "Question | None" = None
    """What the run asks, and holds until it is answered."""
    reply: str = ""
    """The server's last words."""
    pulse: tuple[int, ...] = ()
    """How many were settled in each of the last stretches of time, the last one still growing."""
    stretch: float = 0.0
    """Seconds that the last of them has lasted."""
    paused: bool = False
    stopping: bool = False
    quitting: bool = False
    over: bool = False
    left_out: int = 0
    failure: InviteError | None = None
    by: str = ""
    """Who carries it out, of a run that is followed; "" for the app's own."""
    handed: bool = False
    """Whether workers do, so that it is steered from here too."""
    said: str = ""
    """What they say is in the way."""
    done_before: int = 0
    """Messages that it was through with when it was first seen here: the rate is of those after."""
    looked_at: float = 0.0

    @property
    def live(self) -> bool:
        return self.purpose != "rehearsal"

    @property
    def taken_back(self) -> bool:
        """Whether it was stopped before its first message, so that there is nothing to remember."""
        return self.failure is not None and self.failure.code == "undone"

    @property
    def done(self) -> int:
        """Messages that the run is through with, whatever became of them."""
        return sum(number for outcome, number in self.counts.items() if outcome != "unsent")

    @property
    def left(self) -> int:
        return max(0, self.total - self.done)

    @property
    def rate(self) -> float:
        """Messages per second of work, 0 while too little is known."""
        return (self.done - self.done_before) / self.active if self.active >= 0.5 else 0.0

    @property
    def seconds_left(self) -> float | None:
        return self.left / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is on the screen but for where the cursor is."""

    files: tuple[str, ...] = ()
    so_far: "Sequence[Attendee]" = ()
    """The first attendees of the files that are being read, while there is no folder."""
    folder: "Folder | None" = None
    failure: InviteError | None = None
    checked: bool = False
    """Whether everybody's message was made and inspected; until then there are rows to look at and nothing more."""
    account: "Account | None" = None
    """What a send goes out through; None: only rehearsals."""
    account_failure: InviteError | None = None
    survey: Survey = Survey()
    faults: Sequence[int] = ()
    """Which attendees have a problem, as indexes into the records, in the file's order."""
    errors: frozenset[Place] = frozenset()
    warnings: frozenset[Place] = frozenset()
    """Where the records with errors and with warnings are."""
    left_out: int = 0
    """How many people their errors keep from a send."""
    to_fix: int = 0
    """The same, and the errors that are nobody's: in the event, the wording, a file."""
    leaving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The columns that reach a message, with the places of it where they do."""
    staying: tuple[str, ...] = ()
    rehearsed: bool = False
    """Whether the outbox holds the messages as they would be sent now."""
    run: Run | None = None
    runs: int = 0
    """How many the screen itself has begun: one may be over before anybody has looked."""
    elsewhere: Run | None = None
    """What another desk, or the workers of a run, do with the same ledger."""
    busy: str = ""
    """What is being worked out, in words: a long list takes seconds to plan."""

    @property
    def records(self) -> "Sequence[Attendee]":
        """All attendees; while the files are being read, those that there are so far."""
        return self.so_far if self.folder is None else self.folder.attendees.records

    @property
    def lacks_event(self) -> bool:
        """Whether there is a list and nothing yet that its people are invited to."""
        return self.failure is not None and self.failure.code == "missing-event" and bool(self.files)

    @property
    def invites_others(self) -> bool:
        """Whether a send would invite who is on the list and not in the ledger."""
        return self.checked and self.survey.invites_others

    @property
    def special_rows(self) -> Sequence[int]:
        """Everybody of whom more is known than that they are on the list, as indexes into the records."""
        from tui.attendees import WITHDRAWN

        if self.folder is None:
            return ()
        records = self.folder.attendees.records
        rows = {*self.faults, *self.survey.known, *records.rows_with(WITHDRAWN)}
        for settled in self.run.settled.values() if self.run is not None else ():
            one = settled.action.attendee
            if (row := records.row_at(one.file, one.line)) is not None:
                rows.add(row)
        return sorted(rows)

    @property
    def running(self) -> bool:
        return self.run is not None and not self.run.over

    @property
    def in_progress(self) -> Run | None:
        """The run that is shown: the app's own while it is on, else one elsewhere, else how the own one ended."""
        return self.run if self.running else self.elsewhere or self.run

    @property
    def troubles(self) -> Mapping[str, int]:
        """How many people are refused, deferred or unknown, with what the run on screen has found so far."""
        run = self.run
        found = dict(self.survey.troubles)
        if run is None or not run.live or run.over:
            return found
        for key, outcome in run.before.items():
            if key in run.settled:
                found[outcome] = found.get(outcome, 0) - 1
        return {one: found.get(one, 0) + run.counts.get(one, 0) for one in TROUBLES}

    @property
    def live(self) -> bool:
        """Whether a send from here reaches people."""
        return self.account is not None

    def with_run(self, run: Run | None) -> "State":
        return replace(self, run=run)


Tone = Literal["good", "bad", "care", "quiet"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How one attendee stands, said three ways: a sign, a word and a tone. Never the tone alone."""

    sign: str
    word: str
    tone: Tone
    meaning: str

    @property
    def in_words(self) -> str:
        return f"{self.sign} {self.word}"


MARKS: Mapping[str, Mark] = {
    "ready": Mark("✓", "ready", "good", "a send would invite this person"),
    "update": Mark("↻", "update", "good", "a send would tell this person what has changed"),
    "cancel": Mark("⊘", "cancel", "care", "a send would take the invitation back"),
    "cancelled": Mark("⊗", "cancelled", "quiet", "the invitation was taken back; `r` invites this person anew"),
    "fix": Mark("▲", "to fix", "bad", "an error in the row keeps the message from going out"),
    "caution": Mark("△", "look", "care", "ready, with a warning worth a look"),
    "withdrawn": Mark("-", "withdrawn", "quiet", "the file says that this person is not coming: not mailed"),
    "forgotten": Mark("∅", "forgotten", "quiet", "was forgotten: not mailed; `r` invites this person anew"),
    "none": Mark("·", "nothing", "quiet", "nothing to send"),
    "written": Mark("▣", "written", "good", "rehearsed: the message is in the outbox, nothing was sent"),
    "accepted": Mark("●", "sent", "good", "the server took the message"),
    "refused": Mark("✗", "refused", "bad", "the server refused it for good: `a` corrects the address"),
    "deferred": Mark("…", "deferred", "care", "not now, said the server: the next send tries again"),
    "unknown": Mark("?", "unknown", "care", "the connection was lost after it had gone out: it may have arrived"),
    "unsent": Mark("○", "unsent", "quiet", "not tried yet: the next send does it"),
}


def mark_of(state: State, attendee: "Attendee") -> Mark:
    """How this attendee stands: what the run on screen did first, then what is wrong, then what a send would do."""
    return MARKS[_standing(state, attendee)]


def _standing(state: State, attendee: "Attendee") -> str:
    if state.run is not None and (settled := state.run.settled.get(attendee.key)) is not None:
        return settled.outcome if state.run.live else "written"
    place = (attendee.file, attendee.line)
    if attendee.has_error or place in state.errors:
        return "fix"
    action = chief(state.survey.actions.get(attendee.key, ()))
    person = state.survey.people.get(attendee.key)
    if attendee.withdrawn is not None:
        return "withdrawn"
    if action is None and person is not None:
        return person.outcome
    if action is None:
        return "caution" if place in state.warnings else "ready" if state.invites_others else "none"
    if action.action in ("update", "cancel"):
        return action.action
    if action.action == "invite":
        due_again = person is not None and person.outcome in ("deferred", "unsent")
        return person.outcome if person is not None and due_again else "caution" if place in state.warnings else "ready"
    if action.kind == "held":
        return "accepted"
    return action.kind if action.kind in ("unknown", "refused", "cancelled", "forgotten") else "none"


ANSWERS: Mapping[str, str] = {
    "accepted": "accepted",
    "tentative": "tentative",
    "declined": "declined",
    "bounced": "bounced",
    "none": "no reply seen",
}
"""Whether somebody comes, as far as is known, and the words for it."""


ANSWER_MARKS: Mapping[str, Mark] = {
    "accepted": Mark("⊕", "accepted", "good", "has answered: comes"),
    "tentative": Mark("⊙", "tentative", "care", "has answered: may come"),
    "declined": Mark("⊖", "declined", "quiet", "has answered: does not come"),
    "bounced": Mark("!", "bounced", "bad", "the message came back: it has not arrived"),
    "none": Mark(" ", "no reply", "quiet", "holds an invitation, and no reply was seen"),
}
"""The same in the list, beside how somebody stands."""


def answer_mark(state: State, attendee: "Attendee") -> Mark | None:
    """What this attendee has answered; None who holds nothing to answer, and as long as nobody has."""
    person = state.survey.people.get(attendee.key) if state.survey.answers else None
    if person is None:
        return None
    answer, held = answer_of(person), person.held
    return ANSWER_MARKS[answer] if answer != "none" or (held is not None and held.action != "cancel") else None


def answer_of(person: "Person") -> str:
    """Which of `ANSWERS` is known of this person. Most have sent none, and cost nothing here."""
    if not person.answers and all(sent.bounced is None for sent in person.messages):
        return "none"
    return "bounced" if person.has_bounced else person.response


def answer_counts(people: "Mapping[str, Person]", found: "Answers") -> Mapping[str, int]:
    """Of how many people something has come back, by `ANSWERS`; "none" is not among them.

    Only those are looked at of whom something was found: most of a long list have sent nothing.
    """
    some = {one.key for one in found.answers} | {one.key for one in found.bounces}
    counts = Counter(answer_of(people[key]) for key in some if key in people)
    return {answer: counts[answer] for answer in ANSWERS if answer != "none" and counts[answer]}


def as_corrected(attendee: "Attendee", person: "Person | None") -> "Attendee":
    """The row, with what the organiser has corrected of this person since it was written."""
    if person is None or not person.corrections:
        return attendee
    from tui.plan.people import corrected

    return corrected(attendee, person)


def chief(actions: "Sequence[Action]") -> "Action | None":
    """Of what one person is owed of several sessions the one that stands for all: what is to be sent, if anything."""
    sent = [action for action in actions if action.action != "none"]
    return sent[-1] if sent else actions[0] if actions else None

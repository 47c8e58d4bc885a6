"""What came back: how many come, as bars; who asks for something; what is not verified; what bounced; who answered."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from tui.app.screens.pick import Item, Pick
from tui.app.state import ANSWERS
from tui.app.words import crop
from tui.clean import visible

if TYPE_CHECKING:
    from tui.replies import Asked, Overview, Standing

ACCEPT = "accept"
"""Before an answer of the dialog: the organiser takes it as it is."""

_BAR = 12  # cells of the longest bar
_MOST = 500  # of one kind
_TONES = {"accepted": "$primary", "declined": "$error", "tentative": "$warning", "bounced": "$error"}
_ASKS = {"address": "asks for another address", "withdraw": "asks to be taken off", "other": "writes"}


class Answers(Pick):
    """What there is to look at, under a bar for each answer. With `ACCEPT` before it, its answer is accepted."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "accept", "accept", show=False)]

    def __init__(self, items: "Sequence[Item | str]", *, chosen: str, known: "Overview") -> None:
        super().__init__(
            "Answers",
            items,
            chosen=chosen,
            explain=lambda name: _explained(known, name),
            closes="enter opens it   a accepts what is asked   esc closes"
            if _asks(known)
            else "enter opens it   esc closes",
        )

    def action_accept(self) -> None:
        """What the person asks for, or that the answer is theirs; the rest is as with Enter."""
        if self.chosen:
            self.dismiss(f"{ACCEPT} {self.chosen}")


def answers_dialog(
    known: "Overview", counts: Mapping[str, int], people: int, *, watched: bool = False, chosen: str = ""
) -> Answers:
    """Of so many `people`, `counts` have sent what. Its answer is what was chosen: "mailbox", "people ANSWER", or a
    kind and the number of one in `known`."""
    items: list[Item | str] = ["Everybody who was sent something", *_bars(counts, people)]
    items += ["Follow up", Item("remind", "Remind …", "who has not answered")]
    items += [Item("report", "Write a report …", "what became of each")]
    items += [Item("forget-all", "Forget everybody …", "when it is over")]
    open_ones = [at for at, one in enumerate(known.requests) if one.is_open]
    items += _some("Requests, open", [_request(at, known.requests[at]) for at in open_ones])
    unsure = [at for at, one in enumerate(known.responses) if not one.answer.counts]
    items += _some("Not verified", [_standing("response", at, known.responses[at]) for at in unsure])
    items += _some("Forwarded", [_standing("forwarded", at, one) for at, one in enumerate(known.forwarded)])
    bounces = [
        Item(f"bounce {at}", one.address, one.reply, "$error" if one.kind == "failed" else "$warning")
        for at, one in enumerate(known.bounces)
    ]
    items += _some("Came back", bounces)
    items += ["Read", Item("mailbox", "The account's mailbox", "what is new, and what comes")]
    items.append(Item("watch", "Stop watching it" if watched else "Watch it", "" if watched else "what comes is told"))
    items.append(Item("file", "A file or folder of mails …"))
    sure = [at for at, one in enumerate(known.responses) if one.answer.counts]
    items += _some("Answered", [_standing("response", at, known.responses[at]) for at in sure])
    done = [_request(at, one) for at, one in enumerate(known.requests) if not one.is_open]
    items += _some("Requests, done", done)
    first = f"request {open_ones[0]}" if open_ones else "mailbox"
    there = {one.name for one in items if isinstance(one, Item)}
    return Answers(items, chosen=chosen if chosen in there else first, known=known)


def _asks(known: "Overview") -> bool:
    """Whether something waits to be accepted."""
    return any(one.is_open for one in known.requests) or any(not one.answer.counts for one in known.responses)


def _bars(counts: Mapping[str, int], people: int) -> Iterator[Item]:
    """How many people come, as far as is known; each shows them in the list."""
    counts = {**counts, "none": people - sum(counts.values())}
    most = max(counts.values())
    for answer, words in ANSWERS.items():
        if number := counts.get(answer, 0):
            bar = "█" * max(1, number * _BAR // most)
            yield Item(f"people {answer}", words, f"{number:>6,} {bar}", note_tone=_TONES.get(answer, "$quiet"))


def _some(title: str, items: list[Item]) -> list[Item | str]:
    if not items:
        return []
    more = f": {_MOST:,} of {len(items):,}" if len(items) > _MOST else ""
    return [f"{title}{more}", *items[:_MOST]]


def _request(at: int, one: "Asked") -> Item:
    tone = "$warning" if one.is_open else "$quiet"
    return Item(f"request {at}", one.name or one.request.address, one.done or _ASKS[one.request.kind], tone)


def _standing(kind: str, at: int, one: "Standing") -> Item:
    answer = one.answer
    note = answer.response if one.is_current else f"{answer.response}, to an earlier version"
    return Item(f"{kind} {at}", answer.address, note, _TONES.get(answer.response, ""))


def _explained(known: "Overview", name: str) -> Content:
    """What is under the cursor, in two lines."""
    what, _, number = name.partition(" ")
    if what == "request":
        asked = known.requests[int(number)]
        new = asked.request.suggested
        return Content(crop(_in_a_line(f"“{asked.request.text}”"), 300) + (f"\n→ {visible(new)}" if new else ""))
    if what in ("response", "forwarded"):
        one = (known.responses if what == "response" else known.forwarded)[int(number)]
        return Content(crop("; ".join(_in_a_line(line) for line in about(one)), 300))
    if what == "bounce":
        return Content(crop(_in_a_line(known.bounces[int(number)].reply), 300))
    if what == "people":
        return Content("Shows them in the list; Escape there shows everybody.")
    said = {
        "mailbox": "Nothing in the mailbox is changed.",
        "remind": "The invitation once more, to who holds it, has not answered and has asked for nothing.",
    }
    return Content(said.get(what, ""))


def about(one: "Standing") -> list[str]:
    """An answer in sentences."""
    answer = one.answer
    said = [f"{visible(answer.address)}: {answer.response}" + ("" if one.is_current else ", to an earlier version")]
    if answer.sender and not answer.is_verified:
        said.append(f"Sent by {visible(answer.sender)}")
    if answer.is_forwarded:
        said.append(f"The invitation was {visible(one.invited_as)}'s")
    if answer.delegated_to:
        said.append(f"Sends {visible(answer.delegated_to)}")
    if answer.proposed:
        said.append(f"Proposes {visible(answer.proposed[0])} to {visible(answer.proposed[1])}, which nothing applies")
    if answer.comment:
        said.append(f"“{visible(answer.comment, lines=True)}”")
    return said


def _in_a_line(text: str) -> str:
    return visible(" ".join(text.split()))

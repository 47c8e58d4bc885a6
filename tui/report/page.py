"""The report as one page: no script, nothing from elsewhere, readable in light and dark, by a screen reader, on paper.

Every value is escaped on its way in (`_text`); the page also forbids itself to load or run anything.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

from tui.clean import one_line
from tui.ledger import Recorded, Run
from tui.report.anonymity import FEW
from tui.report.charts import bar, columns, swatch
from tui.report.figures import ADOPTED, RESPONSES, STATES, Figures, outcome_of

BEGINNING = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="generator" content="invite-tui"'
)
"""By which a report is known for one."""

_STYLE = """\
:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #4a5260; --paper: #fff; --line: #c9ced6; --shade: #f3f5f8;
  --bar: #2458a8; --half: #7c93b5; --least: #b4582a; --alarm: #a3151f; --alarm-paper: #fdeeee; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaee; --quiet: #b3bac6; --paper: #15181d; --line: #3f4753; --shade: #1f242b; --bar: #7fb0ff;
    --half: #5a76a3; --least: #e59a6c; --alarm: #ff9d9d; --alarm-paper: #35191b; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; border-bottom: 2px solid var(--line); padding-bottom: .2rem; }
p { margin: .4rem 0; max-width: 45rem; }
.quiet, caption, figcaption { color: var(--quiet); }
.promise { border-left: .35rem solid var(--bar); background: var(--shade); padding: .6rem .9rem; font-weight: 600; }
.urgent { border-color: var(--alarm); background: var(--alarm-paper); color: var(--alarm); }
.wide { overflow-x: auto; }
.wide:focus-visible { outline: 3px solid var(--bar); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
.wide th, .wide td { min-width: 5.5rem; padding: .35rem .45rem; }
.wide .number { min-width: 4.2rem; }
.wide .long { min-width: 12rem; }
.wide .time { min-width: 6.5rem; }
.wide table { font-size: .9rem; }
thead th { background: var(--shade); }
.number { text-align: right; white-space: nowrap; }
.share { width: 40%; }
figure { margin: .5rem 0; }
svg { display: block; width: 100%; fill: var(--bar); }
.bar { height: 1.1rem; margin-top: .2rem; }
.columns { height: 9rem; border-bottom: 2px solid var(--line); }
.part-1 { fill: var(--half); }
.part-2 { fill: var(--least); }
.columns rect { stroke: var(--paper); stroke-width: 1px; vector-effect: non-scaling-stroke; }
.swatch { display: inline-block; width: .8em; height: .8em; margin: 0 .2em 0 .6em; }
footer { margin-top: 2.5rem; border-top: 2px solid var(--line); padding-top: .5rem; }
@media (max-width: 30rem) { .share { display: none; } th, td { padding: .3rem; } }
@media print {
  :root { color-scheme: light; --ink: #000; --quiet: #333; --paper: #fff; --line: #999; --shade: #eee; --bar: #333;
    --half: #777; --least: #aaa; --alarm: #000; --alarm-paper: #fff; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  .wide { overflow: visible; }
  .wide table { font-size: 7.5pt; }
  .wide th, .wide td, .wide .number, .wide .long, .wide .time { min-width: 0; padding: .2rem .3rem; }
  .wide .number { white-space: normal; }
  thead { display: table-header-group; }
  tr, figure { break-inside: avoid; }
  h2 { break-after: avoid; }
  .bar rect, .columns rect, .swatch rect { print-color-adjust: exact; }
}
"""

_MEANING: Mapping[str, str] = {
    "accepted": "the mail server took the message",
    "refused": "the server refused it for good",
    "deferred": "the server put it off: it is due again",
    "unknown": "the connection was lost after it had gone out: it may have arrived",
    "unsent": "still to send",
    ADOPTED: "what another program sent, put down by repair",
}
_ANSWERS: Mapping[str, str] = {
    "accepted": "they come",
    "tentative": "they may come, or ask for another time",
    "declined": "they do not come",
    "bounced": "a mail server sent the message back: it has not arrived",
    "none": "which is not a no",
}


def page(figures: Figures) -> Iterator[bytes]:
    """The page, piece by piece."""
    title = _text(figures.about.title)
    yield (
        f"{BEGINNING}>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Invitations: {title}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
    ).encode()
    for part in (_head, _outcomes, _answers, _groups, _over_time, _people, _runs, _history, _foot):
        for piece in part(figures):
            yield f"{piece}\n".encode()
    yield b"</body>\n</html>\n"


def _head(figures: Figures) -> Iterator[str]:
    count = len(figures.guests)
    yield f'<header>\n<h1 dir="auto">{_text(figures.about.title)}</h1>'
    yield f'<p dir="auto">{_text(figures.when or figures.about.start)}</p>'
    if figures.up_to:
        yield (
            f"<p>{count} {'person' if count == 1 else 'people'}, {_messages(len(figures.messages))}."
            f" Everything up to {_time(figures, figures.up_to)}; times are those of {_text(figures.zone_name)}.</p>"
        )
    else:
        yield "<p>Nothing has been sent yet.</p>"
    if figures.promise and figures.promise.in_words:
        alarm = " urgent" if figures.promise.is_urgent else ""
        yield f'<p class="promise{alarm}">{_text(figures.promise.in_words)}</p>'
    yield "</header>\n<main>"


def _outcomes(figures: Figures) -> Iterator[str]:
    if not figures.guests:
        return
    yield '<section aria-labelledby="outcomes">\n<h2 id="outcomes">Outcomes</h2>'
    yield from _table(
        "People, by what became of the newest message to each.",
        ("Outcome", "People", "Share"),
        (
            (f"{state}: {_text(_MEANING[state])}", _number(count), bar(count, len(figures.guests)))
            for state, count in figures.states.items()
            if count
        ),
        classes=("", "number", "share"),
    )
    yield "</section>"


def _answers(figures: Figures) -> Iterator[str]:
    asked = sum(figures.responses.values())
    if not asked:
        return
    yield '<section aria-labelledby="answers">\n<h2 id="answers">Answers</h2>'
    yield from _table(
        "People who hold an invitation, or should, by what is known of whether they come.",
        ("Answer", "People", "Share"),
        (
            (f"{'no reply seen' if one == 'none' else one}: {_text(_ANSWERS[one])}", _number(count), bar(count, asked))
            for one, count in figures.responses.items()
            if count
        ),
        classes=("", "number", "share"),
    )
    yield from _answers_over_time(figures)
    yield "</section>"


def _answers_over_time(figures: Figures) -> Iterator[str]:
    found = figures.answers_over_time()
    if not found:
        return
    names, hourly = _names(moment for moment, _ in found)
    kinds = RESPONSES[:3]
    if len(found) > 1:
        totals = ", ".join(f"{sum(counts[kind] for _, counts in found)} {kind}" for kind in kinds)
        words = f"Answers from {names[0]} to {names[-1]}: {totals}."
        stacks = zip(_places(found, hourly=hourly), (tuple(counts.values()) for _, counts in found), strict=True)
        chart = columns(dict(stacks), words)
        legend = "".join(f"{swatch(number)}{kind}" for number, kind in enumerate(kinds))
        yield f"<figure>\n{chart}\n<figcaption>{words}{legend}</figcaption>\n</figure>"
    yield from _scrolling(
        "Answers over time",
        _table(
            "When the answers that hold were given.",
            ("Hour" if hourly else "Day", *kinds),
            (
                (name, *(_number(counts[kind]) for kind in kinds))
                for name, (_, counts) in zip(names, found, strict=True)
            ),
            classes=("time", *["number"] * len(kinds)),
        ),
    )


def _names(moments: Iterable[datetime]) -> tuple[list[str], bool]:
    """The hours or days in words, and whether they are hours."""
    found = list(moments)
    hourly = any(moment.hour for moment in found)
    return [f"{moment:%Y-%m-%d %H:00}" if hourly else f"{moment:%Y-%m-%d}" for moment in found], hourly


def _places(found: Sequence[tuple[datetime, object]], *, hourly: bool) -> list[int]:
    """How many hours or days each is after the first."""
    return [(moment - found[0][0]) // timedelta(hours=1 if hourly else 24) for moment, _ in found]


def _groups(figures: Figures) -> Iterator[str]:
    if not figures.groups:
        return
    states = [state for state in STATES if figures.states[state]]
    yield '<section aria-labelledby="groups">\n<h2 id="groups">Groups</h2>'
    yield from _scrolling(
        "Groups and outcomes",
        _table(
            "People of each group, by outcome."
            + f" Groups of fewer than {FEW} are put together, so that nobody is known by them." * figures.anonymous,
            ("Group", "People", *states),
            (
                (
                    _text(group) or ("other, or none" if figures.anonymous else "no group"),
                    _number(sum(counts.values())),
                    *(_number(counts[state]) for state in states),
                )
                for group, counts in figures.groups.items()
            ),
            classes=("", *["number"] * (len(states) + 1)),
        ),
    )
    yield "</section>"


def _over_time(figures: Figures) -> Iterator[str]:
    found = figures.accepted_over_time()
    if not found:
        return
    names, hourly = _names(moment for moment, _ in found)
    counts = [count for _, count in found]
    most = names[counts.index(max(counts))]
    yield '<section aria-labelledby="when">\n<h2 id="when">When</h2>'
    if len(found) > 1:
        when = f"{'at' if hourly else 'on'} {most}"
        words = f"{_messages(sum(counts))} from {names[0]} to {names[-1]}; the most, {max(counts)}, {when}."
        stacks = zip(_places(found, hourly=hourly), ((count,) for count in counts), strict=True)
        chart = columns(dict(stacks), words)
        yield f"<figure>\n{chart}\n<figcaption>{words}</figcaption>\n</figure>"
    yield from _table(
        "Messages that mail servers took.",
        ("Hour" if hourly else "Day", "Messages"),
        ((name, _number(count)) for name, count in zip(names, counts, strict=True)),
        classes=("time", "number"),
    )
    yield "</section>"


def _people(figures: Figures) -> Iterator[str]:
    if not figures.guests:
        return
    who = ("Number",) if figures.anonymous else ("Name", "Address")
    yield '<section aria-labelledby="people">\n<h2 id="people">Who was sent what</h2>'
    rows = (
        (
            *((f"Person {guest.number}",) if figures.anonymous else (_bidi(guest.label), _text(recorded.sent.address))),
            *([_text(guest.group)] if figures.groups else []),
            _text(_what(figures, recorded)),
            _number(recorded.sent.sequence),
            ADOPTED if figures.is_adopted(recorded) else outcome_of(recorded),
            _text(_answer(guest.response)),
            _time(figures, recorded.attempts[-1].settled_at) if recorded.attempts else "",
            _text(recorded.attempts[-1].reply) if recorded.attempts else "",
        )
        for guest in figures.guests
        for recorded in guest.messages
    )
    group = ("Group",) if figures.groups else ()
    heads = (*who, *group, "Message", "Version", "Outcome", "Answer", "Settled", "The server's reply")
    classes = (*("", "long")[: len(who)], *["" for _ in group], "", "number", "", "", "time", "long")
    caption = "Every message, person by person, oldest first."
    yield from _scrolling("Who was sent what", _table(caption, heads, rows, classes=classes))
    yield "</section>"


def _runs(figures: Figures) -> Iterator[str]:
    if not figures.runs:
        return
    yield '<section aria-labelledby="runs">\n<h2 id="runs">Runs</h2>'
    rows = (
        (
            _number(run.id),
            _time(figures, run.started_at),
            _text(run.command),
            *(() if figures.anonymous else (_text(run.account), _text(_people_behind(run)))),
            ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "taken up again later",
            _text(", ".join(run.checks)) or ("none: another program's" if run.is_adoption else "not recorded"),
        )
        for run, counts in figures.run_counts()
    )
    account = () if figures.anonymous else ("Account", "Confirmed by")
    heads = ("Run", "Began", "Command", *account, "Messages", "Every message of it was cleared by")
    classes = ("number", "time", "", *["" for _ in account], "", "long")
    caption = "A message that a later run took up again is counted there."
    yield from _scrolling("Runs", _table(caption, heads, rows, classes=classes))
    yield "</section>"


def _people_behind(run: Run) -> str:
    """Who confirmed a run, and who had proposed it."""
    proposed = f", proposed by {run.proposed_by}" if run.proposed_by else ""
    return f"{run.confirmed_by or 'not recorded'}{proposed}"


def _history(figures: Figures) -> Iterator[str]:
    if not figures.history:
        return
    yield '<section aria-labelledby="history">\n<h2 id="history">History</h2>'
    rows = (
        (
            _time(figures, attempt.settled_at or attempt.started_at),
            f"Person {guest.number}" if figures.anonymous else _text(recorded.sent.address or guest.label),
            _text(_what(figures, recorded)),
            _text(f"{attempt.outcome}, through {attempt.account}" if attempt.account else attempt.outcome),
            _text(attempt.reply),
        )
        for guest, recorded, attempt in figures.history
    )
    heads = ("When", "Number" if figures.anonymous else "Address", "Message", "Outcome", "The server's reply")
    yield from _scrolling(
        "History",
        _table("Every attempt, oldest first.", heads, rows, classes=("time", "long", "", "", "long"), headed=False),
    )
    yield "</section>"


def _foot(figures: Figures) -> Iterator[str]:
    yield "</main>\n<footer>"
    words = "This page holds names and addresses: keep it as you keep the list."
    if figures.anonymous:
        words = (
            "Numbers stand for people, and were drawn by lot; times are days. The names of groups and of the event are"
            " as the organiser wrote them."
        )
    yield f'<p class="quiet">{words}</p>'
    yield (
        '<p class="quiet">An outcome is what a mail server has said, not whether anybody has read it. Answers are those'
        " that were read from the mailbox; some calendars answer one another without a mail.</p>\n</footer>"
    )


def _table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    classes: Sequence[str],
    headed: bool = True,
) -> Iterator[str]:
    """A table of cells that are markup already; with `headed` the first of each row is its header."""
    attributes = [f' class="{name}"' if name else "" for name in classes]
    yield f"<table>\n<caption>{_text(caption)}</caption>"
    cells = "".join(f'<th scope="col"{at}>{_text(head)}</th>' for head, at in zip(heads, attributes, strict=True))
    yield f"<thead><tr>{cells}</tr></thead>\n<tbody>"
    for row in rows:
        tags = [('th scope="row"', "th") if headed and not at else ("td", "td") for at in range(len(row))]
        cells = "".join(
            f"<{begin}{attribute}>{cell}</{end}>"
            for (begin, end), attribute, cell in zip(tags, attributes, row, strict=True)
        )
        yield f"<tr>{cells}</tr>"
    yield "</tbody>\n</table>"


def _scrolling(name: str, inside: Iterable[str]) -> Iterator[str]:
    """What may be wider than the window, reachable with the keyboard."""
    yield f'<div class="wide" role="region" tabindex="0" aria-label="{_text(name)}, table">'
    yield from inside
    yield "</div>"


def _answer(response: str) -> str:
    return "no reply seen" if response == "none" else response


def _what(figures: Figures, recorded: Recorded) -> str:
    sent = recorded.sent
    session = f" ({sent.session})" if sent.session else ""
    return f"{sent.action}{session}" + f", {ADOPTED}" * figures.is_adopted(recorded)


def _time(figures: Figures, moment: str | None) -> str:
    if moment is None:
        return "under way"
    if len(moment) == 10:
        return f'<time datetime="{moment}">{moment}</time>'
    here = datetime.fromisoformat(moment).astimezone(figures.zone)
    return f'<time datetime="{here.isoformat(timespec="seconds")}">{here:%Y-%m-%d %H:%M:%S}</time>'


def _number(count: int) -> str:
    return str(count)


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _bidi(text: str) -> str:
    return f"<bdi>{_text(text)}</bdi>"


def _text(text: str) -> str:
    """A value as markup: escaped, on one line, without controls."""
    return escape(one_line(text))

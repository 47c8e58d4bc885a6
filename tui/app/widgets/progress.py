"""A run under way, or how it ended: how much, how fast, how long, and what to do next."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.app.state import Run
from tui.app.widgets.chip import Chip
from tui.app.widgets.framed import Framed
from tui.app.widgets.nextsteps import NextSteps, outcomes
from tui.app.words import crop, duration, to_do_after
from tui.clean import visible
from tui.delivery.oauth.grants import RevokedError

_TITLES = {
    "rehearsal": "Rehearsing",
    "send": "Sending",
    "resend": "Resending",
    "cancel": "Cancelling",
    "remind": "Reminding",
}
_STOPPED = 3  # the exit code of a run that ended by itself, with the rest still to send
_SILENCE = 5.0  # seconds without news, beyond the pace, that are the server's
_LOW = 20  # lines of a screen that has none to spare
_MANY = 1_000  # messages whose making is worth counting
_ENDED = {
    "rehearsal": "Rehearsal",
    "send": "Send",
    "resend": "Resend",
    "cancel": "Cancellation",
    "remind": "Reminder",
}


class Bar(Widget, can_focus=False):
    """How much of the run is done, in eighths of a cell."""

    def __init__(self) -> None:
        super().__init__()
        self._part = 0.0

    def show(self, part: float) -> None:
        if part != self._part:
            self._part = part
            self.refresh()

    def render(self) -> Content:
        width = max(0, self.content_size.width)
        halves = int(width * 2 * min(1.0, self._part))
        full, half = divmod(halves, 2)
        done = "━" * full + ("╸" if half else "")
        return Content.assemble((done, "$primary"), ("─" * (width - len(done)), "$quiet"))


class Pulse(Widget, can_focus=False):
    """How many were settled in each of the last stretches of time, and what the server said last."""

    def __init__(self) -> None:
        super().__init__()
        self._run: tuple[tuple[int, ...], str] = (), ""

    def show(self, run: Run) -> None:
        # The last stretch is still growing: drawn when it is over.
        shown = run.pulse[:-1], run.reply
        if shown != self._run:
            self._run = shown
            self.refresh()

    def render(self) -> Content:
        pulse, reply = self._run
        drawn = sparks(pulse[-max(8, self.content_size.width // 3) :])
        words = f"server: {visible(reply)}" if reply else ""
        gap = "   " if drawn and words else ""
        room = self.content_size.width - len(drawn) - len(gap)
        return Content.assemble((drawn, "$primary"), gap, (crop(words, max(0, room)), "$quiet"))


_SPARKS = "▁▂▃▄▅▆▇█"


def sparks(numbers: Sequence[int]) -> str:
    """A column for each, the tallest for the greatest; a blank for none."""
    top = max(numbers, default=0)
    return "".join(_SPARKS[(number * 8 - 1) // top] if number else " " for number in numbers)


class ProgressPanel(Framed):
    """Hidden while there is no run. It stays when the run is over, until Escape."""

    DEFAULT_CSS = """
    ProgressPanel { height: auto; border: round $primary; border-title-color: $primary; border-title-style: bold;
        border-subtitle-color: $quiet; padding: 0 1; }
    ProgressPanel Horizontal { height: auto; }
    ProgressPanel Bar { height: 1; width: 1fr; }
    ProgressPanel Chip { margin-left: 1; }
    #numbers { width: 1fr; height: auto; }
    ProgressPanel Pulse { height: 1; width: 1fr; }
    ProgressPanel.-over Bar, ProgressPanel.-over Pulse { display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._bar = Bar()
        self._numbers = Static(id="numbers", markup=False)
        self._pause = Chip("Pause", "pause", id="pause")
        self._stop = Chip("Stop", "stop", id="stop")
        self._pulse = Pulse()
        self._next = NextSteps(id="next")

    def compose(self) -> ComposeResult:
        yield self._bar
        with Horizontal():
            yield self._numbers
            yield self._pause
            yield self._stop
        yield self._pulse
        yield self._next

    def show(self, run: Run | None) -> None:
        self.display = run is not None
        if run is None:
            return
        self.set_class(run.over, "-over")
        self._bar.show(run.done / run.total if run.total else 1.0)
        by = f", by {visible(run.by)}" if run.by else ""
        title = f"{(_ENDED if run.over else _TITLES)[run.purpose]}{_status(run)}{by}"
        keys = "esc closes this" if run.over else ""
        self.entitle(Content(title), Content(keys))
        words = _stopped_by(run) if run.over else _numbers(run)
        self._numbers.display = bool(words.plain)
        self._say(words)
        self._next.show([*outcomes(run)] if run.over else [])
        is_steered = not run.over and not run.stopping and (run.handed or not run.by)
        self._pause.display = is_steered and run.held is None
        self._pause.relabel("Decide…" if run.question is not None else "Go on" if run.paused else "Pause")
        self._stop.display = is_steered
        self._stop.relabel("Take back" if run.held is not None else "Stop")
        self._pulse.show(run)
        # Its line is there from the first moment: to make room for it would have everything laid out anew.
        self._pulse.display = run.live and not run.by and not run.over and self.app.size.height > _LOW

    def _say(self, words: Content) -> None:
        """To lay out everything anew for each number would cost more than the sending."""
        size = self._numbers.content_size
        fits = size.width > 0 and words.get_height({}, size.width) == size.height
        self._numbers.update(words, layout=not fits)


def _status(run: Run) -> str:
    if run.over:
        if run.taken_back:
            return " taken back"
        failed = run.failure is not None and run.failure.exit_code != _STOPPED
        return " failed" if failed else " stopped" if run.left else " finished"
    words = f": {run.done:,} of {run.total:,}"
    if run.stopping:
        return f"{words}, stopping"
    return words + (", waiting for your word" if run.question is not None else ", paused" if run.paused else "")


def _numbers(run: Run) -> Content:
    if run.held is not None:
        seconds, reason = run.held
        return Content.assemble(f"{reason} in ", (duration(seconds), "bold"), ". Until then nothing is sent.")
    if not run.done and run.waiting is None and not run.asked:
        done, total = run.made
        so_far = f" {done:,} of {total:,}" if done and total > _MANY else ""
        return Content(f"Checking every message once more before the first one goes out ...{so_far}")
    word = "sent" if run.live else "written"
    done = run.counts.get("accepted", 0)
    parts = [f"{done:,} {word}"]
    parts += [f"{run.counts[one]:,} {one}" for one in ("refused", "deferred", "unknown") if run.counts.get(one)]
    parts.append(f"{run.left:,} left")
    if run.said:
        return Content("   ".join([*parts, visible(run.said)]))
    if run.stopping and run.live:
        again = "q again leaves now" if run.quitting else "q leaves when it is here, q twice leaves now"
        parts += ["waiting for the server's answer", f"{again}: what is in flight will be unknown"]
    elif run.question is not None:
        parts.append("the first are out: p decides" if run.question.stop is None else "it holds: p decides")
    elif run.paused:
        parts.append("paused")
    elif run.waiting is not None:
        seconds, reason = run.waiting
        parts.append(f"waiting {duration(seconds)}: {visible(reason)}")
    elif run.handed and not run.done:
        parts.append("waiting for a worker")
    elif run.live and not run.by and (not run.done or run.silent > run.pace + _SILENCE):
        for_so_long = f" for {duration(run.silent)}" if run.silent > _SILENCE else ""
        parts.append(f"waiting for the server's answer{for_so_long}")
    elif run.rate:
        rate = f"{run.rate:.0f} a second" if run.rate >= 2 else f"{run.rate * 60:.0f} a minute"
        parts += [rate, f"{duration(run.seconds_left or 0)} to go"]
    return Content("   ".join(parts))


def _stopped_by(run: Run) -> Content:
    """What ended it early, in words; the way to mend it stands below where there is one here."""
    failure = run.failure
    if failure is None or run.taken_back:
        return Content()
    words = Content.assemble(("▲ ", "$error"), (visible(failure.message), "bold"))
    if failure.hint and not isinstance(failure, RevokedError):
        words += Content(f"\n  {visible(to_do_after(failure.code, failure.hint))}")
    return words

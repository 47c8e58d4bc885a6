"""What a run asks while it holds: whether it is to go on."""

from textual.content import Content

from tui.app.screens.choice import Choice
from tui.app.state import MARKS, TROUBLES, Run
from tui.app.words import to_do_after
from tui.clean import visible
from tui.mailing import Question

GO_ON, END = "go-on", "end"


class Asked(Choice):
    """GO_ON, END, or another answer: not yet, the run goes on holding. Enter alone decides nothing."""

    def __init__(self, run: Run, question: Question) -> None:
        so_far = [f"{run.counts.get('accepted', 0):,} {MARKS['accepted'].word}"]
        so_far += [f"{run.counts[one]:,} {one}" for one in TROUBLES if run.counts.get(one)]
        state = f"So far: {', '.join(so_far)}. Left: {question.left:,}."
        if question.stop is None:
            title, said = "The first messages are out", ["Look at what has arrived, and how it looks there.", state]
        else:
            title = "The run holds"
            said = [visible(question.stop.message), visible(to_do_after(question.stop.code, question.stop.hint)), state]
        told: list[Content | str] = [
            Content.styled(said[0], "bold"),
            *said[1:],
            "Until you decide, it waits; p asks again.",
        ]
        super().__init__(title, told, [("later", "Not yet"), (END, "Stop here"), (GO_ON, "Send the rest")])

"""What of the list is shown, and in which order."""

from collections.abc import Mapping
from dataclasses import replace

from tui.app.filtering import ORDERS, Order, View
from tui.app.screens.pick import Item, Pick
from tui.app.state import ANSWERS, MARKS
from tui.app.theme import COLOURS

_GROUPS = 1_000  # that are offered; more are found by searching


def view_dialog(
    view: View, standings: Mapping[str, int], answers: Mapping[str, int], groups: Mapping[str, int]
) -> Pick:
    """The dialog over these numbers of people; `chosen_view` understands its answer."""
    items: list[Item | str] = ["Show", Item("all", "everybody", f"{sum(standings.values()):,}")]
    for name, number in standings.items():
        mark = MARKS[name]
        items.append(Item(f"standing {name}", mark.in_words, f"{number:,}", COLOURS[mark.tone]))
    if answers:
        items.append("Answers")
        items += [Item(f"answer {answer}", ANSWERS[answer], f"{number:,}") for answer, number in answers.items()]
    if len(groups) > 1:
        items.append("Group")
        for group, number in list(groups.items())[:_GROUPS]:
            items.append(Item(f"group {group}", group or "no group", f"{number:,}"))
    items.append("Order")
    items += [Item(f"order {name}", words, "now" if name == view.order else "") for name, words in ORDERS.items()]
    now = f"standing {view.standing}" if view.standing else f"answer {view.answer}" if view.answer else "all"
    now = f"group {view.group}" if view.group is not None and now == "all" else now
    return Pick("Filter and sort", items, chosen=now)


def chosen_view(view: View, answer: str) -> View:
    what, _, value = answer.partition(" ")
    if what == "standing":
        return replace(view, standing=value)
    if what == "answer":
        return replace(view, answer=value)
    if what == "group":
        return replace(view, group=value)
    if what == "order":
        order: Order = next(one for one in ORDERS if one == value)
        return replace(view, order=order)
    return replace(view, standing="", answer="", group=None)

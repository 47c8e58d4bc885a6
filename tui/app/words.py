"""Outside strings made fit for a line of cells, and numbers in words."""

import unicodedata

from rich.cells import cell_len, set_cell_size

from tui.clean import visible

_AFTER_A_STOP = {
    "busy": "Nothing was sent from here. Wait until it has finished, then `s` sends what is left.",
    "refused-often": "Is it the right list, and is it still good? `f` shows who was refused, and why. `s` goes on with "
    "the rest, and leaves them.",
    "deferred-alike": "`s` sends what was put off, and the rest, when you ask for it later.",
    "unknown-alike": "Check the network, and a firewall or virus scanner on the way to the mail server. `s` sends the "
    "rest; `f` shows whose message may have arrived, and `r` decides it.",
}


def to_do_after(code: str, hint: str) -> str:
    """What to do about what stopped a run, by its code; `hint` says it for a command line."""
    return _AFTER_A_STOP.get(code, hint)


def cells(text: str) -> int:
    """How many cells `text` takes where it takes most: terminals do not agree on the vowel signs of Indian scripts."""
    if text.isascii():
        return len(text)
    return cell_len(text) + sum(unicodedata.category(one) == "Mc" for one in text)


def crop(text: str, width: int) -> str:
    """`text` in at most `width` cells on every terminal, an ellipsis where something is missing."""
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    kept = set_cell_size(text, width - 1)
    while cells(kept) >= width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def fit(text: str, width: int) -> str:
    """`text`, made visible, in exactly `width` cells."""
    return set_cell_size(crop(visible(text), width), max(width, 0))


def count(number: int, one: str, many: str | None = None) -> str:
    """ "1 person", "55 people", "1,000 people"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """A time to wait, as a person would say it: "5 s", "2 min 10 s", "1 h 5 min"."""
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"
    return f"{rest} s"

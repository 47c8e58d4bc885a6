"""The looks. One accent for focus, marks and what can be pressed; amber and red for what needs care."""

from collections.abc import Mapping

from textual.theme import BUILTIN_THEMES, Theme

# `edge` is an unfocused panel's border, `quiet` what is read second, `lit` the field that is typed into, `cursor` and
# `cursor-style` the selected row, `row` the same without the focus and what can be pressed, `on-accent` the words on a
# filled accent.
DEFAULTS = {
    "edge": "#5a5f6a",
    "quiet": "#8b92a1",
    "row": "#3a3f4a",
    "lit": "#3a3f4a",
    "cursor": "#3a3f4a",
    "cursor-style": "bold",
    "on-accent": "#10211e",
}

DARK = Theme(
    name="invite-dark",
    primary="#74c7b8",
    accent="#74c7b8",
    success="#74c7b8",
    warning="#e8b765",
    error="#f28b82",
    foreground="#d9dce3",
    background="#14161b",
    surface="#14161b",
    panel="#1e2129",
    dark=True,
    variables={
        "edge": "#3a404d",
        "quiet": "#8b92a1",
        "row": "#232731",
        "lit": "#1f3a37",
        "cursor": "#1f3a37",
        "on-accent": "#10211e",
    },
)
LIGHT = Theme(
    name="invite-light",
    primary="#0b6b60",
    accent="#0b6b60",
    success="#0b6b60",
    warning="#8a5a00",
    error="#b3261e",
    foreground="#24262b",
    background="#faf9f6",
    surface="#faf9f6",
    panel="#eeece6",
    dark=False,
    variables={
        "edge": "#c4c0b6",
        "quiet": "#666a73",
        "row": "#e8e5dd",
        "lit": "#cfe6e1",
        "cursor": "#cfe6e1",
        "on-accent": "#ffffff",
    },
)


# The terminal's own sixteen, whatever they are, on its own background.
SIXTEEN_DARK = Theme(
    name="invite-16-dark",
    ansi=True,
    dark=True,
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    primary="ansi_cyan",
    accent="ansi_cyan",
    success="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_bright_red",
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,
        "edge": "ansi_bright_black",
        "quiet": "ansi_white",
        "row": "ansi_blue",
        "lit": "ansi_bright_black",
        "cursor": "ansi_default",
        "cursor-style": "bold reverse",
        "on-accent": "ansi_black",
    },
)
SIXTEEN_LIGHT = Theme(
    name="invite-16-light",
    ansi=True,
    dark=False,
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    primary="ansi_blue",
    accent="ansi_blue",
    success="ansi_blue",
    warning="ansi_magenta",
    error="ansi_red",
    variables={
        **BUILTIN_THEMES["ansi-light"].variables,
        "edge": "ansi_cyan",
        "quiet": "ansi_bright_black",
        "row": "ansi_white",
        "lit": "ansi_bright_cyan",
        "cursor": "ansi_default",
        "cursor-style": "bold reverse",
        "on-accent": "ansi_bright_white",
    },
)
COLOURS: Mapping[str, str] = {"good": "$primary", "bad": "$error", "care": "$warning", "quiet": "$quiet"}
"""What each tone is drawn in."""
LOOKS = (DARK, LIGHT, SIXTEEN_DARK, SIXTEEN_LIGHT)
_LIGHT_GROUNDS = ("7", "15")


def usual(environment: Mapping[str, str], colours: str | None) -> Theme:
    """The look where none was chosen: light on a terminal that says it is, its own 16 colours where it has no others.

    `colours` is what is known of the terminal: "standard" and "windows" are sixteen. Its background is what COLORFGBG
    says (rxvt, Konsole, iTerm2 and others set it). To ask the terminal itself (OSC 11) would not do: an answer that is
    late, over a slow line, would be read as keys.
    """
    is_light = environment.get("COLORFGBG", "").rpartition(";")[2] in _LIGHT_GROUNDS
    if colours in ("standard", "windows"):
        return SIXTEEN_LIGHT if is_light else SIXTEEN_DARK
    return LIGHT if is_light else DARK

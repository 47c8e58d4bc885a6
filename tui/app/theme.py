"""The two looks. One accent for focus, marks and what can be pressed; amber and red for what needs care."""

from textual.theme import Theme

# `edge` is an unfocused panel's border, `quiet` what is read second, `lit` the selected row, `row` the same without the
# focus and what can be pressed, `on-accent` the words on a filled accent.
DEFAULTS = {"edge": "#5a5f6a", "quiet": "#8b92a1", "row": "#3a3f4a", "lit": "#3a3f4a", "on-accent": "#10211e"}

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
    variables={"edge": "#3a404d", "quiet": "#8b92a1", "row": "#232731", "lit": "#1f3a37", "on-accent": "#10211e"},
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
    variables={"edge": "#c4c0b6", "quiet": "#666a73", "row": "#e8e5dd", "lit": "#cfe6e1", "on-accent": "#ffffff"},
)

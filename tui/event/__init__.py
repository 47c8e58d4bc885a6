"""`event.toml` in, an `Event` out: what, when, where, and who invites; checked."""

from tui.event.facts import Change, Event, MessageSettings, Organizer, SendingSettings
from tui.event.reading import columns_of, load, understand
from tui.event.saving import ensure_uid, replace_bytes, replace_file
from tui.event.values import is_web_link

__all__ = [
    "Change",
    "Event",
    "MessageSettings",
    "Organizer",
    "SendingSettings",
    "columns_of",
    "ensure_uid",
    "is_web_link",
    "load",
    "replace_bytes",
    "replace_file",
    "understand",
]

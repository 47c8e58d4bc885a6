"""The keys that work here and now, on one line, made from the bindings themselves; each can be clicked."""

from dataclasses import replace

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from tui.app.actions import BY_NAME

_MARK = 85  # of the list's own key, which gives way like the others


class KeyBar(Widget, can_focus=False):
    """Shows the bindings that are meant to be shown."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._spans: list[tuple[int, int, str]] = []  # first cell, last cell, key

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self.refresh()

    def render(self) -> Content:
        width = self.content_size.width
        keys = self._keys()
        for giving in sorted((_gives_way(binding) for _, binding in keys), reverse=True):
            if giving <= 0 or sum(len(key) + len(binding.description) + 3 for key, binding in keys) - 2 <= width:
                break
            keys = [(key, binding) for key, binding in keys if _gives_way(binding) != giving]
        self._spans = []
        parts: list[Content] = []
        at = 0
        for key, binding in keys:
            length = len(key) + 1 + len(binding.description)
            self._spans.append((at, at + length - 1, binding.key))
            parts.append(Content.assemble((key, "bold $primary"), " ", (binding.description, "$quiet")))
            at += length + 2
        return Content("  ").join(parts)

    def _keys(self) -> list[tuple[str, Binding]]:
        shown: dict[str, tuple[str, Binding]] = {}
        unneeded: frozenset[str] = getattr(self.screen, "unneeded", frozenset())
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.enabled and active.binding.id not in unneeded:
                binding = active.binding
                if binding.id == "pause" and (word := getattr(self.screen, "pausing", "")):
                    binding = replace(binding, description=word)
                shown.setdefault(binding.action, (key_in_words(binding), binding))
        # What is under way comes first: pausing and stopping must never be the keys that did not fit.
        return sorted(shown.values(), key=lambda one: one[1].id not in ("pause", "stop"))

    def on_click(self, event: events.Click) -> None:
        for first, last, key in self._spans:
            if first <= event.x - self.gutter.left <= last:
                self.app.simulate_key(key)


_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "escape": "esc",
    "pageup": "page up",
    "pagedown": "page down",
    "circumflex_accent": "^",
}


def key_in_words(binding: Binding) -> str:
    """The key as it is written on a keyboard: "/", "enter", "^p"."""
    return binding.key_display or keys_in_words(binding.key)


def keys_in_words(keys: str) -> str:
    """The same of keys by the toolkit's names, with commas between them."""
    return ", ".join(map(_in_words, filter(None, keys.split(","))))


def _in_words(text: str) -> str:
    *modifiers, key = text.strip().split("+")
    shown = _NAMES.get(key, key)
    return f"^{shown}" if modifiers == ["ctrl"] else "+".join([*modifiers, shown])


def _gives_way(binding: Binding) -> int:
    act = BY_NAME.get(binding.id or "")
    return _MARK if act is None else act.gives_way or 0

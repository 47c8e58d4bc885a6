"""Which encoding the files are in: each with how the names in them would read."""

from collections.abc import Sequence

from textual.content import Content

from tui.app.encodings import CHOICES, reads_as
from tui.app.screens.pick import Item, Pick
from tui.app.words import count
from tui.clean import visible

_SHOWN = 12  # names under the list
_BESIDE = 2  # names beside each encoding


class Encodings(Pick):
    """Returns an encoding's name, "" for the one that the files show by themselves, or None."""

    def __init__(self, lines: Sequence[bytes], found: Sequence[str], chosen: str | None) -> None:
        self._read = {name: reads_as(lines, name) for name in CHOICES}
        by_itself = ", ".join(dict.fromkeys(filter(None, found))) or "it could not be told"
        items: list[Item | str] = [Item(_BY_ITSELF, "by itself", "" if chosen else f"as now: {by_itself}")]
        # What does not fit stands last: it is there to be seen, not to be chosen.
        items += [self._item(name) for name in sorted(CHOICES, key=lambda name: self._read[name] is None)]
        said = (
            "Choose the one in which the names read right."
            if lines
            else "These files hold nothing but plain letters, which read the same in every encoding."
        )
        super().__init__("Encoding", items, said=said, chosen=self._now(chosen, found), explain=self._names_in)

    def _now(self, chosen: str | None, found: Sequence[str]) -> str:
        return next((one for one in (chosen, *found) if one and one in CHOICES), _BY_ITSELF)

    def _item(self, name: str) -> Item:
        names = self._read[name]
        if names is None:
            return Item(name, name, "does not fit", enabled=False)
        return Item(name, name, ", ".join(names[:_BESIDE]) or CHOICES[name])

    def _names_in(self, name: str) -> Content:
        names = self._read.get(name)
        if not names:
            return Content.styled(CHOICES.get(name, "a mark at its beginning, else UTF-8, else Windows-1252"), "$quiet")
        more = f", and {count(len(names) - _SHOWN, 'more', 'more')}" if len(names) > _SHOWN else ""
        return Content.assemble((f"{CHOICES[name]}\n", "$quiet"), visible(", ".join(names[:_SHOWN])), (more, "$quiet"))


_BY_ITSELF = "by-itself"

"""What many people in a ledger have in common, in memory once: two hundred thousand of them would fill it otherwise."""

import json
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from datetime import datetime

_MOST = 10_000  # different ones of a sort that are looked for again


class Fields(Mapping[str, str]):
    """A person's cells by header, as the ledger has them: read when somebody looks at them.

    ValueError, at once, where that is not what the ledger has.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        if not isinstance(self._read(), dict):
            raise ValueError("no fields")

    def _read(self) -> dict[str, str]:
        return json.loads(self._text)  # type: ignore[no-any-return]  # texts by texts, as we wrote them

    def __getitem__(self, header: str) -> str:
        return self._read()[header]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def items(self) -> ItemsView[str, str]:
        return self._read().items()  # in one go: every `[header]` reads them all

    def values(self) -> ValuesView[str]:
        return self._read().values()

    def __repr__(self) -> str:
        return repr(self._read())


class Shared:
    """Equal things as one, for the time of one reading. What is shared must not be changed."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._facts: dict[str, Mapping[str, str]] = {}
        self._moments: dict[str, datetime] = {}

    def word(self, text: str) -> str:
        return self._words.setdefault(text, text) if len(self._words) < _MOST else self._words.get(text, text)

    def facts(self, text: str) -> Mapping[str, str]:
        """What JSON says of one version. ValueError where it is none."""
        found = self._facts.get(text)
        if found is None:
            found = json.loads(text)
            if len(self._facts) < _MOST:
                self._facts[text] = found
        return found

    def moment(self, text: str) -> datetime:
        """ValueError where it is none."""
        found = self._moments.get(text)
        if found is None:
            found = datetime.fromisoformat(text)
            if len(self._moments) < _MOST:
                self._moments[text] = found
        return found

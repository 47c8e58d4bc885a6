"""What is asked before something is sent to some people by name: a note, a wording, what is to be corrected."""

from collections.abc import Mapping, Sequence

from textual.content import Content

from tui.app.asking import Request, Target, amendment
from tui.app.screens.form import Blank, Form

_NAMED = 8  # people

NO_UNDO = (
    "A cancellation cannot be undone. Who is to come after all is invited anew with r: a new entry in the calendar."
)


class Asking(Form):
    """A form that becomes a request. A text instead of one says what is missing."""

    def request(self, values: Mapping[str, str]) -> Request | str:
        raise NotImplementedError


class Resending(Asking):
    def __init__(self, whom: Sequence[Target], wordings: Sequence[str]) -> None:
        said = Content.assemble(_people(whom), "\nThe current version again, as it stands in their calendar already.")
        super().__init__("Resend", said, [_NOTE, _wording(wordings)], "Look at it …")
        self._whom = whom

    def request(self, values: Mapping[str, str]) -> Request:
        names = tuple(one.asked for one in self._whom)
        return Request("resend", names, note=values["note"].strip(), template=values["wording"])


class Correcting(Asking):
    """One person's address and fields, in place."""

    def __init__(self, whom: Target, wordings: Sequence[str], address: str = "") -> None:
        """`address` is what they ask for, "" where nothing is known of another one."""
        said = Content.assemble(
            _people([whom]),
            "\nWhat you change is remembered, whatever the list says. A new address is sent an invitation, and the old"
            " one a cancellation.",
        )
        fields = [Blank(f"field {header}", header, value) for header, value in whom.fields]
        blanks = [Blank("address", "Address", address or whom.address), *fields, _NOTE, _wording(wordings)]
        super().__init__("Correct", said, blanks, "Look at it …", one_change=True)
        self._whom = whom

    def request(self, values: Mapping[str, str]) -> Request | str:
        fields = {name.removeprefix("field "): value for name, value in values.items() if name.startswith("field ")}
        mended = amendment(self._whom, values["address"], fields)
        note, template = values["note"].strip(), values["wording"]
        if not values["address"].strip():
            return "There is no address. Without one nothing can be sent."
        if mended is None and not note and not template:
            return "Nothing is different yet. To send the same again, close this and press r."
        return Request("resend", (self._whom.asked,), mended, note, template)


class Cancelling(Asking):
    """With nobody named it is everybody; `calls_off`: and the event with it."""

    def __init__(self, whom: Sequence[Target] | None, *, calls_off: bool) -> None:
        people = (
            _people(whom) if whom is not None else Content.styled("Everybody who holds an entry", "bold $foreground")
        )
        more = "\nThe event is called off: a send plans nothing then, until the event has changed."
        more = more if whom is None and calls_off else ""
        said = Content.assemble(people, f"\nTakes the entry out of their calendar. {NO_UNDO}{more}")
        title = "Cancel everybody" if whom is None else "Cancel"
        super().__init__(title, said, [_NOTE], "Look at it …")
        self._whom = whom

    def request(self, values: Mapping[str, str]) -> Request:
        names = None if self._whom is None else tuple(one.asked for one in self._whom)
        return Request("cancel", names, note=values["note"].strip())


_NOTE = Blank("note", "Note", hint="optional, a sentence of yours in the message")


def _wording(names: Sequence[str]) -> Blank:
    choices = (("", "as usual"), *((name, name) for name in names))
    return Blank("wording", "Wording", choices=choices)


def _people(whom: Sequence[Target]) -> Content:
    """Who it is, by name; of many the first ones."""
    named = [Content.styled(one.in_words, "bold $foreground") for one in whom[:_NAMED]]
    if len(whom) > _NAMED:
        named.append(Content.styled(f"and {len(whom) - _NAMED:,} more", "bold $foreground"))
    return Content("\n").join(named)

"""A text file as it is edited: where it is from, where it is saved, and what is said of it as it is typed."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui import data, files
from tui.app.pages import Line, Subject, failure_in_words, page, problems_in_words, text_line
from tui.clean import visible
from tui.errors import InputError, InviteError

if TYPE_CHECKING:
    from tui.attendees import Attendee
    from tui.folder import Folder

_NO_MESSAGE = "This message cannot be made."
_LARGEST = 1 << 20  # bytes of a text that is edited here


@dataclass(frozen=True, slots=True)
class Draft:
    """`text` is that of `source`, to be saved to `target`.

    `judge` says what is to be seen beside a text, in a thread of its own; `placeholders` are what can be filled in;
    `note` is what to know before.
    """

    source: Path
    target: Path
    text: str
    judge: Callable[[str], Sequence[Line]] | None = None
    placeholders: tuple[str, ...] = ()
    note: str = ""

    def save(self, text: str) -> None:
        """InputError where it cannot be written."""
        from tui.editing import save

        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.target} cannot be written: {error.strerror}.") from None
        save(self.target, text)


def wording_draft(folder: "Folder", path: Path | None, attendee: "Attendee | None") -> Draft:
    """The wording in `path`, None for that of the invitation, with this person's message. InputError."""
    event = folder.event
    home = folder.event_path.parent
    path = path or wording_path(home, event.message.template if event is not None else None)
    if path.suffix != ".md":
        return text_draft(path, folder)
    is_own = path.resolve().is_relative_to(home.resolve())
    target = path if is_own else home / "templates" / path.name
    note = "" if is_own else f"It ships with the program: what you save is a copy of your own, {visible(str(target))}."

    def judge(text: str) -> Sequence[Line]:
        return _previewed(folder, path, text, attendee)

    return Draft(path, target, _text(path), judge, tuple(_placeholders(folder)), note)


def text_draft(path: Path, folder: "Folder | None") -> Draft:
    """Any text file. InputError where it is none, or too large."""
    is_event = folder is not None and path.name == folder.event_path.name

    def judge(text: str) -> Sequence[Line]:
        from tui.event import understand

        event, problems = understand(text, path, path.name)
        lines = list(problems_in_words(problems))
        return lines if event is None else [text_line(event.when, "strong"), text_line(), *lines]

    return Draft(path, path, _text(path), judge if is_event else None)


def wording_path(home: Path, name: str | None) -> Path:
    """Where the wording of this name is read from: the event folder, else what ships; None is the invitation's."""
    name = name or "invitation"
    choices = [home / name, home / "templates" / f"{name}.md", data.templates() / f"{name}.md", Path(name)]
    found = next((path for path in choices if path.is_file()), None)
    return found or data.templates() / "invitation.md"


def _text(path: Path) -> str:
    try:
        raw = files.read(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if len(raw) > _LARGEST:
        raise InputError(f"{path} is too large to be changed here.", hint="Change it in a text editor.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text.", hint="Change it in the program that made it.") from None


def _placeholders(folder: "Folder") -> "list[str]":
    """What a wording can fill in: the person's columns, then the event's and the organiser's words."""
    from tui.invitation.wording import EVENT_NAMES, ORGANIZER_NAMES

    found: dict[str, None] = {"name": None, "email": None}
    for columns in folder.attendees.columns:
        for name, at in columns.placeholders.items():
            if name and at not in columns.internal:
                found[name] = None
    found |= {f"event.{name}": None for name in EVENT_NAMES}
    found |= {f"organizer.{name}": None for name in ORGANIZER_NAMES}
    return [*found, "changes"]


def _previewed(folder: "Folder", path: Path, text: str, attendee: "Attendee | None") -> Sequence[Line]:
    """What is wrong with the wording, and the person's message with it."""
    from tui.invitation import load_wording

    # The pages around the text stay where they are; only the text itself is elsewhere for the moment.
    with tempfile.TemporaryDirectory(prefix="invite-tui-") as place:
        draft = Path(place) / path.name
        draft.write_text(text, encoding="utf-8", newline="")
        beside = path.with_name(path.name.removesuffix(".md") + ".html.j2")
        try:
            if beside.is_file():
                (Path(place) / beside.name).write_bytes(files.read(beside))
            wording = load_wording(str(draft), folder.event_path.parent, None)
            problems = dict.fromkeys(one for columns in folder.attendees.columns for one in wording.check(columns))
            lines = list(problems_in_words([*problems]))
            if any(one.severity == "error" for one in problems):
                return lines
            if attendee is None:
                return [*lines, text_line("The message is here when somebody is selected.", "quiet")]
            view = folder.worded(str(draft)).view(attendee)
            return [*lines, *page("Message", Subject(attendee, folder.event, view=view))]
        except InviteError as error:
            return list(problems_in_words(error.problems) if error.problems else failure_in_words(_NO_MESSAGE, error))
        except OSError as error:
            return [text_line(visible(f"{error.filename}: {error.strerror}."), "bad")]

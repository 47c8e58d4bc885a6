"""The organiser's own keys and colours: `app.toml` in their configuration folder. Documented in docs/keys.md."""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tui import files
from tui.app.actions import ACTIONS

FILE = "app.toml"

_MOVES = frozenset({"up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "enter", "escape"})
"""Keys that every list and form lives on: nothing else may have them."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the file says. `keys` are the toolkit's names of keys by the names of `ACTIONS`, "" for the look that is
    usual. `complaints` are sentences: what is wrong with the file is left out, and said."""

    theme: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()


def folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where the organiser's own files of this program are."""
    said = (os.environ if environment is None else environment).get("INVITE_TUI_CONFIG_DIR")
    if said:
        return Path(said)
    import platformdirs

    return Path(platformdirs.user_config_dir("invite-tui", appauthor=False, roaming=False))


def load(path: Path) -> Preferences:
    """What this file says; where there is none, nothing. Never raises: a wrong line must not keep the app shut."""
    try:
        text = files.read(path).decode("utf-8-sig")
        said = tomllib.loads(text)
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Preferences(complaints=(f"{path} cannot be read: {why}.",))
    complaints: list[str] = []
    theme = said.get("theme", "")
    if not isinstance(theme, str):
        complaints.append(f"{path}: theme is a name in quotation marks.")
        theme = ""
    complaints += [f"{path} knows no “{name}”: it has theme and [keys]." for name in said if name not in _TABLES]
    keys = _keys(said.get("keys", {}), path, complaints.append)
    return Preferences(theme, keys, tuple(complaints))


_TABLES = ("theme", "keys")


def _keys(said: object, path: Path, complain: Callable[[str], object]) -> Mapping[str, str]:
    """The keys that can be had: each of a known action, and no key twice."""
    if not isinstance(said, dict):
        complain(f"{path}: [keys] is a table.")
        return {}
    usual = {act.name: act.keys for act in ACTIONS if act.keys}
    found: dict[str, str] = {}
    for name, value in said.items():
        if name not in usual:
            complain(f"{path}: there is nothing called “{name}”. There are {', '.join(usual)}.")
        elif not isinstance(value, str) or not all(map(_is_key, value.split(","))):
            complain(f'{path}: {name} is a key in quotation marks, such as "w" or "ctrl+w", not one that moves.')
        else:
            found[name] = ",".join(each.strip() for each in value.split(","))
    return dict(_once({**usual, **found}, found, path, complain))


def _once(
    everything: Mapping[str, str], changed: Mapping[str, str], path: Path, complain: Callable[[str], object]
) -> Iterator[tuple[str, str]]:
    """What was changed, without a key that another action has as well."""
    for name, keys in changed.items():
        others = {key: other for other, those in everything.items() if other != name for key in those.split(",")}
        taken = next((key for key in keys.split(",") if key in others), None)
        if taken is None:
            yield name, keys
        else:
            complain(f"{path}: {name} cannot be {taken}, which is {others[taken]}: give that another key as well.")


def _is_key(text: str) -> bool:
    text = text.strip()
    *modifiers, key = text.split("+") if text != "+" else [text]
    return bool(key) and set(modifiers) <= {"ctrl", "alt", "shift"} and (bool(modifiers) or key not in _MOVES)


def remember_theme(path: Path, theme: str) -> None:
    """Put the look down in the file; whatever else is in it stays. OSError or ValueError where that is not possible."""
    import tomlkit

    from tui.event import replace_file

    try:
        document = tomlkit.parse(files.read(path).decode("utf-8-sig"))
    except FileNotFoundError:
        document = tomlkit.document()
    if document.get("theme") != theme:
        document["theme"] = theme
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, tomlkit.dumps(document))

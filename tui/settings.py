"""What the environment says: `.env` files and INVITE_TUI_ variables, read once by a face and passed down."""

import getpass
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tui import files
from tui.clean import one_line
from tui.errors import AccountError, UsageError

_OURS = "INVITE_TUI_"
_PREFIX = f"{_OURS}SMTP_"
_ENDPOINT = {name.lower(): _PREFIX + name for name in ("HOST", "PORT", "SECURITY", "USERNAME", "CA")} | {
    f"imap_{name.lower()}": f"INVITE_TUI_IMAP_{name}" for name in ("HOST", "PORT", "SECURITY")
}
"""What says to whom a password is given, by its name in `Settings.smtp`."""

_KNOWN = frozenset(
    {
        *_ENDPOINT.values(),
        *(_PREFIX + name for name in ("PASSWORD", "CONNECTIONS", "PER_MINUTE", "PER_DAY")),
        *(_PREFIX + name for name in ("TIMEOUT", "RETRIES", "BACKOFF")),
        *(f"INVITE_TUI_{name}" for name in ("ACCOUNT", "CONFIG_DIR", "LEDGER", "LOOKUPS", "NAME")),
        *("INVITE_TUI_KEYRING_PASSPHRASE", "INVITE_TUI_OAUTH_CLIENT_SECRET"),
    }
)
"""Every name that this program asks for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`smtp` is the account `env` as its variables spell it, empty where INVITE_TUI_SMTP_HOST is not set; `conflict` is
    why it cannot be used, for whoever wants to use it.

    `timeout` is seconds for any one reply (None: RFC 5321's), `retries` further tries of a deferred message within the
    run, `backoff` the seconds before the first of them. `per_minute` and `per_day` 0 are no limit; None: not said here.
    `name` is who works here.
    """

    smtp: Mapping[str, str] = field(default_factory=dict, repr=False)
    conflict: AccountError | None = None
    default_account: str | None = None
    config_dir: Path | None = None
    per_minute: float | None = None
    per_day: int | None = None
    connections: int | None = None
    timeout: float | None = None
    retries: int = 3
    backoff: float = 60.0
    name: str | None = None

    @property
    def who(self) -> str:
        """The name under which this person confirms, proposes and approves: what was set, else the system's user name.

        UsageError where there is neither.
        """
        if self.name:
            return self.name
        with suppress(OSError, KeyError, ImportError):  # which of them depends on the system
            if name := one_line(getpass.getuser()):
                return name[:_LONGEST_NAME]
        raise UsageError("This system does not say who you are.", hint="Set INVITE_TUI_NAME in the environment.")


_LONGEST_NAME = 100


def load(folders: Sequence[Path], environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force: the environment, then the `.env` of each folder, the first that names one wins.

    The last of `folders` is the working directory: where the user stands is the user's own. AccountError naming the
    variable that is no number.
    """
    environment = os.environ if environment is None else environment
    places = dict.fromkeys(folder.resolve() for folder in folders)
    own = folders[-1].resolve() if folders else None
    files = [_dotenv(folder / ".env", is_own=folder == own) for folder in places]
    layers = [_Layer("the environment", environment, True), *files]

    def number(name: str, least: float, most: float = 1e9) -> float | None:
        layer = _first(layers, _PREFIX + name)
        return None if layer is None else _number(layer, _PREFIX + name, least, most)

    def whole(name: str, least: int, most: int) -> int | None:
        layer = _first(layers, _PREFIX + name)
        return None if layer is None else int(_number(layer, _PREFIX + name, least, most, is_whole=True))

    default = _first(layers, "INVITE_TUI_ACCOUNT")
    retries, backoff = whole("RETRIES", 0, 1_000), number("BACKOFF", 0)
    # Not of an event folder that others work with as well.
    who = _first([layer for layer in layers if layer.is_own], "INVITE_TUI_NAME")
    config = environment.get("INVITE_TUI_CONFIG_DIR")
    account, conflict = _account(layers)
    return Settings(
        smtp=account,
        conflict=conflict,
        default_account=default.said["INVITE_TUI_ACCOUNT"] if default else None,
        config_dir=Path(config) if config else None,
        per_minute=number("PER_MINUTE", 0),
        per_day=whole("PER_DAY", 0, 100_000_000),
        connections=whole("CONNECTIONS", 1, 100),
        timeout=number("TIMEOUT", 0.001),
        retries=3 if retries is None else retries,
        backoff=60.0 if backoff is None else backoff,
        name=one_line(who.said["INVITE_TUI_NAME"])[:_LONGEST_NAME] if who else None,
    )


def own_word(name: str, folders: Sequence[Path], environment: Mapping[str, str] | None = None) -> str | None:
    """What the environment, or the `.env` of the working directory, says for one name; never an event folder's, which
    somebody else may have sent. `folders` are those of `load`."""
    environment = os.environ if environment is None else environment
    own = folders[-1].resolve()
    layer = _first([_Layer("the environment", environment, True), _dotenv(own / ".env", is_own=True)], name)
    return layer.said[name] if layer else None


def misspelt(folders: Sequence[Path], environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """A sentence for each name that looks like one of ours and that nothing here asks for; its value is in none."""
    from difflib import get_close_matches

    environment = os.environ if environment is None else environment
    layers = [_Layer("the environment", environment, True)]
    with suppress(AccountError, OSError):  # a file that cannot be read stops who sends, and is said there
        layers += [_dotenv(folder / ".env", is_own=False) for folder in dict.fromkeys(map(files.resolved, folders))]
    for layer in layers:
        for name in sorted({name for name in layer.said if name.upper().startswith(_OURS)} - _KNOWN):
            near = get_close_matches(name.upper()[len(_OURS) :], (one[len(_OURS) :] for one in _KNOWN), 1)
            hint = f"Did you mean {_OURS}{near[0]}?" if near else "It changes nothing."
            yield f"{name} in {layer.name} is no setting. {hint}"


@dataclass(frozen=True, slots=True)
class _Layer:
    """One place where settings stand, and what it says."""

    name: str
    said: Mapping[str, str] = field(repr=False)
    is_own: bool


def _first(layers: Sequence[_Layer], name: str) -> _Layer | None:
    """The first layer that says something for `name`; an empty value says nothing."""
    return next((layer for layer in layers if layer.said.get(name)), None)


def _number(layer: _Layer, name: str, least: float, most: float, *, is_whole: bool = False) -> float:
    text = layer.said[name]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most or (is_whole and not value.is_integer()):
        kind = "a whole number" if is_whole else "a number"
        limits = f"from {least:g} to {most:g}" if most < 1e9 else f"of at least {least:g}"
        raise AccountError(f"{name}: “{text}” is not {kind} {limits}.", hint=f"It stands in {layer.name}.")
    return value


def _account(layers: Sequence[_Layer]) -> tuple[dict[str, str], AccountError | None]:
    """The account `env`, put together so that a password never meets a server that another place named.

    The environment and the `.env` of the working directory are the user's own and go together, the environment first:
    no secret needs to be in a file. An event folder's `.env` can name an account of its own, which only the environment
    can change. So one that somebody sent can neither point a password that stands elsewhere at its own host, nor change
    the port, the user name, the trusted CA or the IMAP server of an account that it did not name.
    """
    home = _first(layers, _PREFIX + "HOST")
    if home is None:
        return {}, None
    together = [layer for layer in layers if layer.is_own] if home.is_own else [layers[0], home]
    found = {
        name: layer.said[variable] for name, variable in _ENDPOINT.items() if (layer := _first(together, variable))
    }
    beside = _first(together if home.is_own else [home], _PREFIX + "PASSWORD")
    if beside:
        found["password"] = beside.said[_PREFIX + "PASSWORD"]
    elif "username" in found and (elsewhere := _first(layers, _PREFIX + "PASSWORD")):
        return found, AccountError(
            f"{_PREFIX}PASSWORD stands in {elsewhere.name}, and {_PREFIX}HOST in {home.name}: "
            "a password is offered only to the host that is named beside it.",
            hint=f"Name the host, and the user name, in {elsewhere.name} as well, or work in the event folder.",
        )
    return found, None


def _dotenv(path: Path, *, is_own: bool) -> _Layer:
    if not path.is_file():
        return _Layer(str(path), {}, is_own)
    from dotenv.parser import parse_stream  # most folders have no .env, and the import has its price

    try:
        with path.open(encoding="utf-8-sig") as stream:
            said = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise AccountError(f"{path} cannot be read: {why}.") from None
    for one in said:
        if one.error:
            # The line itself is not shown: it may be a password.
            raise AccountError(f"Line {one.original.line} of {path} says nothing.", hint="A line is NAME=value.")
    return _Layer(str(path), {one.key: one.value for one in said if one.key and one.value is not None}, is_own)

"""What the environment says: `.env` files and INVITE_TUI_ variables, read once by a face and passed down."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tui.errors import AccountError

_PREFIX = "INVITE_TUI_SMTP_"
_ENDPOINT = ("HOST", "PORT", "SECURITY", "USERNAME", "CA")


@dataclass(frozen=True, slots=True)
class Settings:
    """`smtp` is the account `env` as its variables spell it, empty where INVITE_TUI_SMTP_HOST is not set.

    `timeout` is seconds for any one reply (None: RFC 5321's), `retries` further tries of a deferred message within the
    run, `backoff` the seconds before the first of them. `per_minute` 0 is no limit; None: not said here.
    """

    smtp: Mapping[str, str] = field(default_factory=dict, repr=False)
    default_account: str | None = None
    config_dir: Path | None = None
    per_minute: float | None = None
    connections: int | None = None
    timeout: float | None = None
    retries: int = 3
    backoff: float = 60.0


def load(folders: Sequence[Path], environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force: the environment, then the `.env` of each folder, the first that names one wins.

    AccountError naming the variable that is no number.
    """
    environment = os.environ if environment is None else environment
    layers = [dict(environment), *(_dotenv(folder / ".env") for folder in dict.fromkeys(folders))]

    def said(name: str) -> str | None:
        return next((layer[name] for layer in layers if layer.get(name)), None)

    def number(name: str, least: float) -> float | None:
        text = said(_PREFIX + name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value < 1e9:
            raise AccountError(
                f"{_PREFIX}{name}: “{text}” is not a number of at least {least:g}.",
                hint="It stands in the environment or in a .env file.",
            )
        return value

    retries, backoff, connections = number("RETRIES", 0), number("BACKOFF", 0), number("CONNECTIONS", 1)
    config = environment.get("INVITE_TUI_CONFIG_DIR")
    return Settings(
        smtp=_account(layers),
        default_account=said("INVITE_TUI_ACCOUNT"),
        config_dir=Path(config) if config else None,
        per_minute=number("PER_MINUTE", 0),
        connections=None if connections is None else int(connections),
        timeout=number("TIMEOUT", 0.001),
        retries=3 if retries is None else int(retries),
        backoff=60.0 if backoff is None else backoff,
    )


def _account(layers: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The account `env`, put together so that a password never meets a server that another file named.

    The layer that names the host and those before it say where mail goes. A `.env` file further down cannot change the
    port, the user name or the security of an account that it did not name; and a password in a `.env` file is for the
    host in the same file alone. One in the environment is the user's own word and goes with the host in force.
    """
    first = next((at for at, layer in enumerate(layers) if layer.get(_PREFIX + "HOST")), None)
    if first is None:
        return {}
    trusted = layers[: first + 1]
    found = {}
    for name in _ENDPOINT:
        value = next((layer[_PREFIX + name] for layer in trusted if layer.get(_PREFIX + name)), None)
        if value:
            found[name.lower()] = value
    password = layers[0].get(_PREFIX + "PASSWORD") or layers[first].get(_PREFIX + "PASSWORD")
    if password:
        found["password"] = password
    return found


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values  # most folders have no .env, and the import has its price

    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise AccountError(f"{path.name} cannot be read: {why}.") from None
    return {name: value for name, value in values.items() if value is not None}

"""Signing in by OAuth 2.0: a person agrees once, and tokens are made of it for as long as nobody takes it back.

`sign_in` is for when the account is added, `Tokens` for ever after. Names are imported when they are first used: the
libraries behind them cost more than most commands.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.delivery.oauth.grants import Grant, Prompt
    from tui.delivery.oauth.signing import sign_in
    from tui.delivery.oauth.tokens import Tokens

__all__ = ["Grant", "Prompt", "Tokens", "sign_in"]

_HOME = {"Grant": "grants", "Prompt": "grants", "Tokens": "tokens", "sign_in": "signing"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

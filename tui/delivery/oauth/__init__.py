"""Signing in by OAuth 2.0: a person agrees once, and tokens are made of it for as long as nobody takes it back.

`sign_in` is for when the account is added, `Tokens` for ever after. The libraries that they need are imported when
somebody signs in or a token is asked for: they cost more than most commands.
"""

from tui.delivery.oauth.grants import Ceremony, Grant, Prompt
from tui.delivery.oauth.signing import sign_in
from tui.delivery.oauth.tokens import Tokens

__all__ = ["Ceremony", "Grant", "Prompt", "Tokens", "sign_in"]

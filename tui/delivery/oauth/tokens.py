"""An account's access token: in memory alone, and another one before it expires."""

import threading
import time
from collections.abc import Callable
from typing import final

from tui.delivery.accounts.profile import Account, Secret
from tui.delivery.oauth.grants import Grant, Kept, RevokedError
from tui.errors import AccountError

_AHEAD = 300.0
"""Seconds before its end at which a token counts as spent; of a short one, a quarter of its life."""


@final
class Tokens:
    """The bearer (`accounts.Bearer`) of one account, for any number of threads.

    `load` reads what the keyring holds now, `keep` replaces it: an issuer may give another refresh token with each
    access token, and honour the old one no longer.
    """

    def __init__(
        self,
        account: Account,
        load: Callable[[], Secret | None],
        keep: Callable[[Secret], None],
        *,
        first: Grant | None = None,
    ) -> None:
        self._account = account
        self._load = load
        self._keep = keep
        self._lock = threading.Lock()
        self._access: Secret | None = None
        self._ends = (0.0, 0.0)
        if first is not None:
            self._take(first)

    def token(self) -> Secret:
        with self._lock:
            if self._access is None or self.is_due():
                self._renew()
            if self._access is None:
                raise AccountError(f"There is no token for account {self._account.name}.")
            return self._access

    def is_due(self) -> bool:
        # Two clocks: one stands still while the machine sleeps, the other may be set.
        by_clock, by_wall = self._ends
        return time.monotonic() > by_clock or time.time() > by_wall

    def _take(self, grant: Grant) -> None:
        good_for = grant.seconds - min(_AHEAD, grant.seconds / 4)
        self._access = grant.access
        self._ends = time.monotonic() + good_for, time.time() + good_for

    def _renew(self) -> None:
        kept = self._kept()
        try:
            grant = self._ask(kept)
        except RevokedError:
            # Another run may have used it up in this moment, and kept the next one.
            newer = self._kept()
            if newer.refresh.reveal() == kept.refresh.reveal():
                raise
            kept = newer
            grant = self._ask(kept)
        self._take(grant)
        if grant.refresh is not None and grant.refresh.reveal() != kept.refresh.reveal():
            self._keep(Kept(grant.refresh, kept.client_secret).to_secret())

    def _kept(self) -> Kept:
        secret = self._load()
        kept = None if secret is None else Kept.from_secret(secret)
        if kept is None:
            account = self._account
            raise AccountError(
                f"Nobody has signed in to account {account.name} ({account.username} at {account.host}) here.",
                hint=self._way_back,
            )
        return kept

    @property
    def _way_back(self) -> str:
        return f"Sign in again: `invite-tui account login {self._account.name}`."

    def _ask(self, kept: Kept) -> Grant:
        from tui.delivery.oauth.signing import client_of

        try:
            return client_of(self._account, kept.client_secret).renew(kept.refresh)
        except RevokedError as problem:
            problem.hint = self._way_back
            raise

"""What is said to log in (SASL, RFC 4422): the same words for SMTP and IMAP, and how to blank them.

XOAUTH2 is Google's, and Microsoft's; OAUTHBEARER is RFC 7628. Both answer a refusal with a challenge that says why in
JSON, and want it acknowledged before they say no.
"""

import base64
import json

from tui.delivery.accounts.profile import Secret

TOKENS = ("XOAUTH2", "OAUTHBEARER")
"""Mechanisms that take an access token, the most tried first."""

PASSWORDS = ("PLAIN", "LOGIN", "CRAM-MD5")


def first_words(mechanism: str, username: str, secret: Secret, host: str, port: int) -> bytes:
    """The initial response of PLAIN (RFC 4616), XOAUTH2 or OAUTHBEARER, before base64."""
    if mechanism == "PLAIN":
        return f"\0{username}\0{secret.reveal()}".encode()
    if mechanism == "XOAUTH2":
        return f"user={username}\1auth=Bearer {secret.reveal()}\1\1".encode()
    if mechanism == "OAUTHBEARER":
        # RFC 5801 §4: "," and "=" would end the name.
        name = username.replace("=", "=3D").replace(",", "=2C")
        return f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {secret.reveal()}\1\1".encode()
    raise ValueError(mechanism)


def acknowledgement(mechanism: str) -> bytes:
    """What ends the round trip after a refusal was explained: nothing (XOAUTH2), or a lone ^A (RFC 7628 §3.2.3)."""
    return b"\1" if mechanism == "OAUTHBEARER" else b""


def refusal(challenge: bytes) -> str:
    """What the JSON of a refusal says, in a few words: its status, and the scope that was wanted."""
    try:
        said = json.loads(challenge)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(said, dict):
        return ""
    found = {name: said[name] for name in ("status", "error", "scope") if isinstance(said.get(name), str | int)}
    return ", ".join(f"{name} {str(value)[:100]}" for name, value in found.items())


class Exchange:
    """imaplib's "authobject": the initial response first, then the acknowledgement of a refusal."""

    def __init__(self, mechanism: str, username: str, secret: Secret, host: str, port: int) -> None:
        self._mechanism = mechanism
        self._username, self._secret, self._peer = username, secret, (host, port)
        self._first: Secret | None = Secret(first_words(mechanism, username, secret, host, port).decode())
        self.refusal = ""
        """What the server gave as its reason, once it has."""

    def __call__(self, challenge: bytes) -> bytes:
        words, self._first = self._first, None
        if words is not None:
            return words.reveal().encode()
        self.refusal = refusal(challenge)
        return acknowledgement(self._mechanism)

    def blanked(self, text: str) -> str:
        """`text` without any spelling of the secret."""
        return blanked(text, self._username, self._secret, *self._peer)


def spellings(username: str, secret: Secret, host: str = "", port: int = 0) -> tuple[str, ...]:
    """How the secret could come back from a server that repeats what it is told. Longest first."""
    text = secret.reveal()
    # A password of three letters is in half of all sentences; blanking those would tell where it is.
    plain = (text,) if len(text) > 3 else ()
    said = [first_words(name, username, secret, host, port) for name in ("PLAIN", *TOKENS)]
    forms = {base64.b64encode(words).decode("ascii") for words in (*said, text.encode())}
    # As a quoted string of IMAP has it (RFC 9051 §4.3).
    quoted = (one.replace("\\", "\\\\").replace('"', '\\"') for one in plain)
    return tuple(sorted({*forms, *plain, *quoted}, key=len, reverse=True))


def blanked(text: str, username: str, secret: Secret, host: str = "", port: int = 0) -> str:
    """`text` without any spelling of the secret."""
    for spelling in spellings(username, secret, host, port):
        text = text.replace(spelling, "***")
    return text

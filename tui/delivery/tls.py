"""TLS as a client of a mail server: the certificate is verified, and so is the name it is made out to."""

import ssl
from pathlib import Path

from tui.errors import AccountError


def client_context(ca: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or better, trusting the system's authorities, or only those in the PEM file `ca`.

    Raises `AccountError` where the file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except OSError as problem:
        reason = problem.strerror if not isinstance(problem, ssl.SSLError) else None
        raise AccountError(
            f"{ca} cannot be used as a CA file: {reason or 'it holds no certificate in PEM form'}."
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context

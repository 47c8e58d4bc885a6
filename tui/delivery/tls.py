"""TLS as a client of a mail server: the certificate is verified, and so is the name it is made out to."""

import ssl
from datetime import datetime
from pathlib import Path

from tui.errors import AccountError

_OUT_OF_DATE = (9, 10)
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""


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


def distrusted(where: str, problem: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """What is wrong with the certificate of the server there, and what to do, each in a sentence or two."""
    reason = (problem.verify_message or problem.reason or "").rstrip(".")
    message = f"The certificate of {where} is not to be trusted: {reason}."
    if problem.verify_code in _OUT_OF_DATE:
        return (
            message,
            f"Check this machine's clock: it says {datetime.now():%Y-%m-%d %H:%M}. Or ask who runs the server.",
        )
    return message, (
        "Check the host's name. For a server with its own authority give that as a PEM file: --ca, or "
        "INVITE_TUI_SMTP_CA."
    )

"""A certificate authority made for one test run; nobody trusts it who was not handed its `pem`."""

import ssl
from datetime import datetime
from pathlib import Path

import trustme


class Authority:
    """Issues the certificates of the test servers. Files are written to `folder`."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA(organization_name="invite-tui tests")
        self._folder = folder
        self.pem = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.pem)

    def certificate(self, *names: str) -> Path:
        """A PEM file with private key and chain, valid for these host names and IP addresses."""
        path = self._folder / f"{names[0]}.pem"
        self._ca.issue_cert(*names).private_key_and_cert_chain_pem.write_to_path(path)
        path.chmod(0o600)
        return path

    def server_context(self, *names: str, until: datetime | None = None) -> ssl.SSLContext:
        """`until` is when the certificate ends: by default it outlives the tests."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names, not_after=until).configure_cert(context)
        return context

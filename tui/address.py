"""The only judge of an e-mail address: parse, normalise, compare.

An address on the wire has an ASCII domain (IDNA A-labels) in lower case and the local part as its owner spells it
(RFC 5321 §2.4). Two spellings are the same mailbox to us when their `key` is the same.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox. `wire` is what SMTP and headers carry, `key` what comparisons use (NFC, casefolded)."""

    wire: str
    key: str

    @property
    def domain(self) -> str:
        return self.wire.rpartition("@")[2]

    @property
    def is_ascii(self) -> bool:
        return self.wire.isascii()

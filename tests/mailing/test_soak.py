"""A server that fails in every way, and what is left of the promises. More of it: `python bench/soak.py`."""

from pathlib import Path

from tests.mailing.soaking import soak


def test_whatever_the_server_does_everybody_is_sent_to_once_and_the_ledger_says_what_it_has(tmp_path: Path) -> None:
    result = soak(tmp_path, 400, connections=8, seed=5)
    assert result.counts.total() == 400 and result.counts["accepted"] > 300, result
    assert result.counts["unknown"] > 3 and result.counts["refused"] > 3 and result.tries > 420, "the server has failed"

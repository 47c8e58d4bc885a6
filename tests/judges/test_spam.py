"""What we send does not look like spam: the wordings that ship, and every other sort of message."""

from collections.abc import Mapping

import pytest

from tests.judges.letters import letters
from tests.judges.spamassassin import Score


@pytest.mark.parametrize("name", letters())
def test_a_message_scores_at_most_one_point(name: str, spam_scores: Mapping[str, Score]) -> None:
    assert spam_scores[name].points <= 1.0, spam_scores[name].rules


def test_spam_is_found_out(spam_scores: Mapping[str, Score]) -> None:
    assert spam_scores["spam"].points > 5.0

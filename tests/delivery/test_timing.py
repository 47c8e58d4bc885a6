"""How long a run takes and when it begins, with a clock that stands where the test puts it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tui.delivery.timing import at_in_words, forecast, in_hours, moment_of
from tui.errors import UsageError

LONDON = ZoneInfo("Europe/London")
NOON = datetime(2027, 4, 29, 12, 0, tzinfo=LONDON)


class TestForecast:
    def test_counts_the_pauses_between_the_messages(self) -> None:
        said = forecast(61, per_minute=20, begins_at=NOON)
        assert said.seconds == 180
        assert said.ends_at == NOON + timedelta(minutes=3)
        assert said.in_words == "It takes about 3 min at 20 a minute and ends at about 12:03, London time."

    @pytest.mark.parametrize(("count", "per_minute"), [(0, 20), (1, 20), (5000, 0)])
    def test_says_nothing_where_nothing_is_known_or_nothing_takes_time(self, count: int, per_minute: float) -> None:
        said = forecast(count, per_minute=per_minute, begins_at=NOON)
        assert (said.seconds, said.in_words) == (0, "")

    def test_says_whether_it_passes_midnight(self) -> None:
        late = datetime(2027, 4, 29, 23, 59, tzinfo=LONDON)
        assert not forecast(20, per_minute=20, begins_at=late).passes_midnight
        said = forecast(60, per_minute=20, begins_at=late)
        assert said.passes_midnight
        assert "Friday 30 April 2027, 00:01 (after midnight)" in said.in_words

    def test_midnight_is_that_of_the_place_where_it_is_told(self) -> None:
        utc = datetime(2027, 4, 29, 23, 30, tzinfo=UTC)
        assert forecast(200, per_minute=5, begins_at=utc).passes_midnight
        assert not forecast(200, per_minute=5, begins_at=utc.astimezone(LONDON)).passes_midnight

    def test_a_change_of_the_clocks_makes_it_no_longer(self) -> None:
        before = datetime(2027, 3, 28, 0, 30, tzinfo=LONDON)
        said = forecast(61, per_minute=1, begins_at=before)
        assert said.seconds == 3600
        assert said.ends_at.strftime("%H:%M") == "02:30"

    def test_what_fits_in_the_quota_is_not_over_it(self) -> None:
        said = forecast(400, per_minute=20, begins_at=NOON, provider="Gmail", per_day=500, sent_lately=100)
        assert (said.over_quota_by, said.seconds) == (0, 399 * 3)
        assert "quota" not in said.in_words

    def test_what_is_over_the_quota_goes_a_day_later(self) -> None:
        said = forecast(401, per_minute=20, begins_at=NOON, provider="Gmail", per_day=500, sent_lately=100)
        assert (said.over_quota_by, said.seconds) == (1, 86_400)
        assert said.in_words.endswith(
            "1 of them is over the daily quota: Gmail allows 500 messages in 24 hours, and this ledger knows of 100 in"
            " the last 24. Those go a day later; the run waits for it, or stops and is run again."
        )

    def test_a_long_list_takes_as_many_days_as_the_quota_makes_it(self) -> None:
        said = forecast(1600, per_minute=60, begins_at=NOON, per_day=500)
        assert said.over_quota_by == 1100
        assert said.seconds == 3 * 86_400 + 99

    def test_a_quota_that_is_used_up_leaves_room_for_nobody(self) -> None:
        said = forecast(3, per_minute=60, begins_at=NOON, per_day=500, sent_lately=700)
        assert (said.over_quota_by, said.seconds) == (3, 86_402)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"),
        (40, "40 s"),
        (60, "1 min"),
        (3599, "1 h"),
        (7500, "2 h 5 min"),
        (86_400, "1 d"),
        (100_800, "1 d 4 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert in_hours(seconds) == words


class TestAt:
    def test_is_in_the_timezone_of_the_event(self) -> None:
        moment = moment_of("2027-04-30 09:00", "Europe/London", NOON)
        assert moment.astimezone(UTC) == datetime(2027, 4, 30, 8, 0, tzinfo=UTC)
        assert at_in_words(moment) == "Friday 30 April 2027, 09:00 London time (UTC+01:00)"

    @pytest.mark.parametrize("text", ["2027-04-30 09:00+02:00", "2027-04-30T09:00 +0200", "2027-04-30T07:00:00Z"])
    def test_takes_an_offset_and_says_it_in_the_timezone_of_the_event(self, text: str) -> None:
        assert at_in_words(moment_of(text, "Europe/London", NOON)) == (
            "Friday 30 April 2027, 08:00 London time (UTC+01:00)"
        )

    @pytest.mark.parametrize("text", ["tomorrow", "2027-04-30", "09:00", "2027-04-30 9:00", "２０２７-04-30 09:00", ""])
    def test_what_is_no_moment_is_wrong_usage(self, text: str) -> None:
        with pytest.raises(UsageError, match="no date and time"):
            moment_of(text, "Europe/London", NOON)

    @pytest.mark.parametrize("text", ["2027-02-30 09:00", "2027-13-01 09:00", "2027-05-01 25:00"])
    def test_a_day_that_there_is_not_is_wrong_usage(self, text: str) -> None:
        with pytest.raises(UsageError, match="there is no"):
            moment_of(text, "Europe/London", NOON)

    def test_a_time_that_is_over_is_wrong_usage(self) -> None:
        with pytest.raises(UsageError, match=r"12:00 London time .* is over"):
            moment_of("2027-04-29 12:00", "Europe/London", NOON)

    def test_an_hour_that_the_clocks_leave_out_is_wrong_usage(self) -> None:
        with pytest.raises(UsageError, match="clocks go forward"):
            moment_of("2028-03-26 01:30", "Europe/London", NOON)

    def test_of_an_hour_that_comes_twice_it_is_the_first(self) -> None:
        assert moment_of("2027-10-31 01:30", "Europe/London", NOON).utcoffset() == timedelta(hours=1)

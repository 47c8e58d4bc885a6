"""Whatever somebody writes into a list or an event, each judge reads just that, and nothing else changes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.judges.conftest import Bench
from tests.judges.letters import Letter, letter
from tests.judges.reading import Mail, differences
from tests.unit.making import a_revision, a_wording, an_attendee, an_event
from tui.clean import body_text, one_line
from tui.event import MessageSettings, Organizer

# What somebody would write who knows what a message is made of, and what breaks programs by accident.
_PIECES = (
    *("\r\nBcc: eve@evil.example", "\nATTENDEE:mailto:eve@evil.example", "END:VEVENT\nBEGIN:VEVENT", "BEGIN:VALARM"),
    *("\r\n\r\n", "\r", "\n", "\t", " ", "  ", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x00", "\x1b[2J"),
    *("--=_invite-tui_mixed", "--=_invite-tui_mixed--", "\n.\n", "\nFrom eve", "=?utf-8?q?=22?=", "=?utf-8?b?", "?="),
    *(
        "=3D",
        "=\n",
        "&amp;",
        "<script>",
        "</main>",
        "<!--",
        "]]>",
        "{{ email }}",
        "{% if %}",
        "**",
        "[a](javascript:b)",
    ),
    *(
        '"',
        "'",
        "\\",
        "\\n",
        "\\N",
        "\\,",
        "\\;",
        "\\\\",
        ";",
        ",",
        ":",
        "^",
        "^n",
        "^'",
        "^^",
        '";X="',
        "%0A",
        "@",
        "<",
        ">",
    ),
    *(
        "mailto:eve@evil.example",
        "eve@evil.example, bo@evil.example",
        "(eve)",
        "TZID=Europe/London:",
        "a" * 80,
        "é" * 80,
    ),
    *(
        "\u202e",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u00ad",
        "\u0301",
        "\ufffe",
        "\U0010ffff",
        "\ue000",
        "🧑‍🚀",
        "Ł",
        "東",
        "مريم",
        "א",
    ),
)
_WRITTEN = st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=12)), max_size=9).map("".join)
_LINE = _WRITTEN.map(one_line)
_NAME = _LINE
_ADDRESSES = st.sampled_from(
    [
        *(
            "ana@example.org",
            "ana+tag@example.org",
            "o'brien@example.org",
            "a.b-c_d@sub.example.org",
            "zoe@xn--bcher-kva.example",
        ),
        *("{braces}|pipe=equals?@example.org", "!#$%&*/^`~@example.org", f"{'a' * 64}@{'b' * 60}.example"),
    ]
)
_ZONES = st.sampled_from(["UTC", "Europe/London", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"])
_WORDING = a_wording(
    '{{ name | default("friend") }}: {{ event.title }}\n\n{{ event.location | default("") }}\n\n'
    '{{ event.description | default("") }}\n\n- {{ name | default("") }}',
    subject="{{ event.title }}",
)


@st.composite
def hostile_letters(draw: st.DrawFn) -> Letter:
    """Messages in which nothing is as it should be, but for what every event must have."""
    start = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=draw(st.integers(0, 3_600_000_000)))
    zone = ZoneInfo(draw(_ZONES))
    event = an_event(
        title=draw(_LINE.filter(bool)),  # as the reader of the event file has them
        location=draw(_LINE),
        description=body_text(draw(_WRITTEN)).strip(),
        start=start.astimezone(zone),
        end=(start + timedelta(minutes=draw(st.integers(1, 5000)))).astimezone(zone),
        timezone=zone.key,
        organizer=Organizer(draw(_NAME.filter(bool)), "consultations@department.example"),
        message=MessageSettings(attach_ics=draw(st.booleans())),
    )
    revision = a_revision(
        draw(st.sampled_from(["invite", "update", "cancel"])), sequence=draw(st.integers(0, 2**31 - 1))
    )
    attendee = an_attendee(name=draw(_NAME), address=draw(_ADDRESSES))
    return letter(event=event, attendee=attendee, revision=revision, wording=_WORDING)


# Its reader takes a semicolon within quotes for the end of a parameter, and an escaped backslash before an n for a line
# break: of what people wrote it is no judge, of all else it is one.
_NO_JUDGE_OF: Mapping[str, frozenset[str]] = {
    "node-ical": frozenset({"summary", "location", "description", "organizers", "attendees"})
}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(letter=hostile_letters())
def test_a_hostile_value_is_read_as_itself_and_changes_nothing_else(bench: Bench, letter: Letter) -> None:
    assert letter.composition.subject == letter.event.title
    assert max(map(len, letter.composition.raw.split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1
    for judge, reading in bench(letter.composition.raw).items():
        meant = letter.mail if isinstance(reading, Mail) else letter.entry
        assert differences(meant, reading, but=_NO_JUDGE_OF.get(judge, frozenset())) == [], judge

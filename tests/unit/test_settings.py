"""What the environment and `.env` files say, and what an event folder that somebody sent cannot make them say."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tui.errors import AccountError
from tui.settings import Settings, load, misspelt

ACCOUNT = {"HOST": "smtp.example.org", "USERNAME": "ana", "PASSWORD": "hunter2"}


def said(values: Mapping[str, str]) -> dict[str, str]:
    return {f"INVITE_TUI_SMTP_{name}": value for name, value in values.items()}


class Place:
    """An event folder, a working directory, and an environment."""

    def __init__(self, folder: Path) -> None:
        self.event, self.here = folder / "event", folder / "here"
        self.event.mkdir()
        self.here.mkdir()
        self.environment: dict[str, str] = {}

    def write(self, folder: Path, values: Mapping[str, str]) -> None:
        (folder / ".env").write_text("".join(f'{name}="{value}"\n' for name, value in said(values).items()), "utf-8")

    def load(self) -> Settings:
        return load([self.event, self.here], self.environment)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_with_nothing_said_there_is_no_account_and_every_default_holds(place: Place) -> None:
    assert place.load() == Settings()
    assert (Settings().retries, Settings().backoff, Settings().timeout, Settings().smtp) == (3, 60.0, None, {})


def test_the_environment_wins_over_the_event_folder_and_that_over_the_working_directory(place: Place) -> None:
    place.write(place.here, {"RETRIES": "1", "BACKOFF": "1", "TIMEOUT": "1"})
    place.write(place.event, {"RETRIES": "2", "BACKOFF": "2"})
    place.environment = said({"RETRIES": "4"})
    settings = place.load()
    assert (settings.retries, settings.backoff, settings.timeout) == (4, 2.0, 1.0)


def test_an_empty_value_says_nothing(place: Place) -> None:
    place.write(place.here, {"RETRIES": "1"})
    place.environment = said({"RETRIES": "", "HOST": ""})
    assert (place.load().retries, place.load().smtp) == (1, {})


@pytest.mark.parametrize("where", ["environment", "event", "here"])
def test_an_account_that_stands_in_one_place_is_taken_as_it_stands(place: Place, where: str) -> None:
    account = {**ACCOUNT, "PORT": "465", "SECURITY": "tls", "CA": "/ca.pem"}
    if where == "environment":
        place.environment = said(account)
    else:
        place.write(getattr(place, where), account)
    assert place.load().smtp == {name.lower(): value for name, value in account.items()}


def test_the_environment_changes_an_account_that_a_file_names(place: Place) -> None:
    place.write(place.event, ACCOUNT)
    place.environment = said({"PORT": "2525", "USERNAME": "bo"})
    assert place.load().smtp == {
        "host": "smtp.example.org",
        "port": "2525",
        "username": "bo",
        "password": "hunter2",
    }


# --- an event folder that an attacker sent ----------------------------------------------------------------------------

EVIL = "evil.example"


def test_a_sent_folder_cannot_point_the_password_of_the_environment_at_its_own_host(place: Place) -> None:
    place.write(place.event, {"HOST": EVIL, "USERNAME": "ana"})
    place.write(place.here, {"HOST": "smtp.example.org"})
    place.environment = said({"PASSWORD": "hunter2"})
    settings = place.load()
    assert settings.conflict
    assert "password" not in settings.smtp
    assert "hunter2" not in settings.conflict.message + str(settings.conflict.hint)
    assert str(place.event / ".env") in settings.conflict.message


def test_a_password_in_the_environment_goes_with_the_host_of_the_working_directory(place: Place) -> None:
    place.write(place.here, {"HOST": "smtp.example.org", "USERNAME": "ana", "PASSWORD": "old"})
    place.environment = said({"PASSWORD": "hunter2"})
    assert place.load().smtp == {"host": "smtp.example.org", "username": "ana", "password": "hunter2"}
    place.event = place.here
    assert place.load().smtp["password"] == "hunter2"


def test_a_sent_folder_cannot_point_the_password_of_another_file_at_its_own_host(place: Place) -> None:
    place.write(place.here, ACCOUNT)
    place.write(place.event, {"HOST": EVIL, "USERNAME": "ana"})
    conflict = place.load().conflict
    assert conflict
    assert "beside it" in conflict.message
    place.write(place.event, {"HOST": EVIL})
    assert place.load().smtp == {"host": EVIL}


@pytest.mark.parametrize("where", ["environment", "here"])
def test_a_sent_folder_cannot_have_a_password_that_it_did_not_name_shown_to_an_imap_server(
    place: Place, where: str
) -> None:
    theirs = [f"INVITE_TUI_IMAP_{name}" for name in ("HOST", "PORT", "SECURITY")]
    (place.event / ".env").write_text("".join(f"{name}=localhost\n" for name in theirs), "utf-8")
    if where == "environment":
        place.environment = said(ACCOUNT)
    else:
        place.write(place.here, ACCOUNT)
    assert place.load().smtp == {name.lower(): value for name, value in ACCOUNT.items()}
    place.environment |= dict.fromkeys(theirs, "mine")
    assert [place.load().smtp[f"imap_{name}"] for name in ("host", "port", "security")] == ["mine"] * 3


@pytest.mark.parametrize("where", ["environment", "here"])
@pytest.mark.parametrize(
    "change", [{"PORT": "1"}, {"USERNAME": "eve"}, {"SECURITY": "none"}, {"CA": "evil.pem"}, {"PASSWORD": "x"}]
)
def test_a_sent_folder_cannot_change_an_account_that_it_did_not_name(
    place: Place, where: str, change: dict[str, str]
) -> None:
    if where == "environment":
        place.environment = said(ACCOUNT)
    else:
        place.write(place.here, ACCOUNT)
    place.write(place.event, change)
    assert place.load().smtp == {name.lower(): value for name, value in ACCOUNT.items()}


def test_a_sent_folder_cannot_take_the_account_of_the_environment_away(place: Place) -> None:
    place.write(place.event, {**ACCOUNT, "HOST": EVIL, "PASSWORD": "theirs"})
    place.environment = said(ACCOUNT)
    assert place.load().smtp["host"] == "smtp.example.org"
    assert place.load().smtp["password"] == "hunter2"


def test_a_sent_folder_with_an_account_of_its_own_gets_its_own_password_only(place: Place) -> None:
    place.write(place.event, {**ACCOUNT, "HOST": EVIL, "PASSWORD": "theirs"})
    place.environment = said({"PASSWORD": "hunter2"})
    assert place.load().smtp["password"] == "theirs"


@pytest.mark.parametrize("trick", ["${INVITE_TUI_SMTP_PASSWORD}", "$INVITE_TUI_SMTP_PASSWORD", "`id`", "$(id)"])
def test_a_file_is_not_a_program(place: Place, trick: str) -> None:
    place.environment = said({"PASSWORD": "hunter2"})
    (place.event / ".env").write_text(f"INVITE_TUI_SMTP_HOST={trick}.evil.example\n", "utf-8")
    assert place.load().smtp == {"host": f"{trick}.evil.example"}


def test_a_sent_folder_cannot_move_the_stored_accounts(place: Place) -> None:
    (place.event / ".env").write_text("INVITE_TUI_CONFIG_DIR=/evil\n", "utf-8")
    assert place.load().config_dir is None
    place.environment = {"INVITE_TUI_CONFIG_DIR": "/mine"}
    assert place.load().config_dir == Path("/mine")


def test_no_secret_shows_in_the_settings_own_words(place: Place) -> None:
    place.environment = said(ACCOUNT)
    assert "hunter2" not in repr(place.load())


# --- numbers and files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("RETRIES", value) for value in ("many", "-1", "1.5", "nan", "inf", "1e12")),
        *(("CONNECTIONS", value) for value in ("0", "-2", "2.5", "100000", "x")),
        *(("PER_MINUTE", value) for value in ("fast", "-1", "nan", "inf")),
        *(("PER_DAY", value) for value in ("many", "-1", "2.5", "1e12")),
        *(("TIMEOUT", value) for value in ("0", "-1", "never")),
        *(("BACKOFF", value) for value in ("-1", "soon")),
    ],
)
@pytest.mark.parametrize("in_file", [True, False])
def test_what_is_no_number_is_named_with_its_place(place: Place, name: str, value: str, in_file: bool) -> None:
    if in_file:
        place.write(place.event, {name: value})
    else:
        place.environment = said({name: value})
    with pytest.raises(AccountError) as refused:
        place.load()
    assert f"INVITE_TUI_SMTP_{name}" in refused.value.message and value in refused.value.message
    assert (str(place.event / ".env") if in_file else "the environment") in (refused.value.hint or "")


def test_numbers_may_be_zero_where_that_means_something(place: Place) -> None:
    place.environment = said({"PER_MINUTE": "0", "RETRIES": "0", "BACKOFF": "0", "CONNECTIONS": "1", "TIMEOUT": "0.5"})
    settings = place.load()
    assert place.load().per_day is None
    place.environment = said({"PER_DAY": "0"})
    assert place.load().per_day == 0
    assert (settings.per_minute, settings.retries, settings.backoff, settings.connections, settings.timeout) == (
        *(0.0, 0, 0.0),
        *(1, 0.5),
    )


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", "INVITE_TUI_SMTP_HOST=é".encode("latin-1")])
def test_a_file_that_is_no_text_is_named(place: Place, content: bytes) -> None:
    (place.here / ".env").write_bytes(content)
    with pytest.raises(AccountError, match=r"\.env cannot be read"):
        place.load()


@pytest.mark.parametrize(
    ("text", "line"),
    [("INVITE_TUI_SMTP_HOST=a\nthe password is x y\n", 2), ("\n# remark\nINVITE_TUI_SMTP_PASSWORD='geheim\n", 3)],
)
def test_a_line_that_says_nothing_is_named_and_not_shown(
    place: Place, text: str, line: int, capfd: pytest.CaptureFixture[str]
) -> None:
    (place.event / ".env").write_text(text, "utf-8")
    with pytest.raises(AccountError, match=rf"Line {line} of .*\.env says nothing") as caught:
        place.load()
    assert "x y" not in f"{caught.value.message} {caught.value.hint}" and "geheim" not in caught.value.message
    assert capfd.readouterr().err == ""


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_a_value(place: Place) -> None:
    (place.here / ".env").write_bytes(
        b"\xef\xbb\xbfINVITE_TUI_SMTP_HOST=smtp.example.org\r\nINVITE_TUI_ACCOUNT=work\r\n"
    )
    assert (place.load().smtp, place.load().default_account) == ({"host": "smtp.example.org"}, "work")


def test_a_folder_that_is_named_twice_is_read_once_and_a_missing_one_not_at_all(place: Place) -> None:
    place.write(place.here, ACCOUNT)
    assert load([place.here, place.here, place.here / "none"], {}).smtp["host"] == "smtp.example.org"


def test_a_name_that_nothing_asks_for_is_told_with_the_nearest_one_and_never_its_value(place: Place) -> None:
    place.write(place.event, {"PASWORD": "hunter2", "HOST": "localhost"})
    place.environment = {"INVITE_TUI_CONECTIONS": "3", "INVITE_TUI_X": "1", "INVITE_TUI_LEDGER": "", "OTHER": "1"}
    told = [*misspelt([place.event, place.here], place.environment)]
    assert told == [
        "INVITE_TUI_CONECTIONS in the environment is no setting. Did you mean INVITE_TUI_SMTP_CONNECTIONS?",
        "INVITE_TUI_X in the environment is no setting. It changes nothing.",
        f"INVITE_TUI_SMTP_PASWORD in {place.event / '.env'} is no setting. Did you mean INVITE_TUI_SMTP_PASSWORD?",
    ]


def test_every_name_that_the_program_asks_for_is_known() -> None:
    sources = (Path(load.__code__.co_filename).parent).rglob("*.py")
    names = {name for file in sources for name in re.findall(r"INVITE_TUI_\w*[A-Z]\b", file.read_text("utf-8"))}
    assert len(names) > 10 and not [*misspelt([], dict.fromkeys(names, "x"))]

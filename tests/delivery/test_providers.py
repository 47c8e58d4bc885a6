"""Whose server it is, and what they publish."""

from pathlib import Path

import pytest

from tui.delivery.providers import (
    AMAZON_SES,
    FASTMAIL,
    GMAIL,
    GOOGLE_RELAY,
    GOOGLE_WORKSPACE,
    KNOWN,
    LOOPBACK,
    MICROSOFT_365,
    OWN_SERVER,
    POSTMARK,
    Provider,
    provider_of,
)

_PAGE = Path(__file__).parents[2] / "docs" / "providers.md"


@pytest.mark.parametrize(
    ("host", "username", "provider"),
    [
        ("smtp.office365.com", "team@department.example", MICROSOFT_365),
        ("SMTP.Office365.com.", None, MICROSOFT_365),
        ("smtp.gmail.com", "ana@gmail.com", GMAIL),
        ("smtp.gmail.com", "ana@GoogleMail.com", GMAIL),
        ("smtp.gmail.com", None, GMAIL),
        ("smtp.gmail.com", "ana", GMAIL),
        ("smtp.gmail.com", "ana@department.example", GOOGLE_WORKSPACE),
        ("smtp-relay.gmail.com", "ana@department.example", GOOGLE_RELAY),
        ("email-smtp.eu-west-2.amazonaws.com", "AKIA", AMAZON_SES),
        ("email-smtp-fips.us-east-1.amazonaws.com", "AKIA", AMAZON_SES),
        ("smtp.postmarkapp.com", "token", POSTMARK),
        ("smtp.fastmail.com", "ana@fastmail.com", FASTMAIL),
        ("127.0.0.1", None, LOOPBACK),
        ("localhost", None, LOOPBACK),
        ("LOCALHOST", None, LOOPBACK),
        ("127.8.8.8", None, LOOPBACK),
        ("::1", None, LOOPBACK),
        ("localhost.example.org", None, OWN_SERVER),
        ("10.0.0.1", None, OWN_SERVER),
        ("127.1", None, OWN_SERVER),
        ("mail.department.example", "team", OWN_SERVER),
        ("smtp.office365.com.evil.example", None, OWN_SERVER),
        ("notsmtp.gmail.com", None, OWN_SERVER),
        ("email-smtp.a.b.amazonaws.com", None, OWN_SERVER),
        ("", None, OWN_SERVER),
    ],
)
def test_a_provider_is_known_by_its_host(host: str, username: str | None, provider: Provider) -> None:
    assert provider_of(host, username) is provider


@pytest.mark.parametrize("provider", KNOWN, ids=lambda one: one.name)
def test_every_provider_has_a_source_on_the_web_and_stands_in_the_documentation(provider: Provider) -> None:
    page = _PAGE.read_text(encoding="utf-8")
    assert provider.sources
    assert all(source.startswith("https://") and source in page for source in provider.sources)
    [row] = [line for line in page.splitlines() if line.startswith(f"| {provider.name} |")]
    numbers = (provider.rate, provider.per_day, provider.recipients, provider.connections)
    for number in (*numbers, provider.size and provider.size // 1_000_000, provider.per_minute):
        assert number is None or f"{number:,.0f}" in row


def test_a_published_rate_is_never_quite_reached() -> None:
    rated = [provider for provider in KNOWN if provider.rate]
    assert rated
    assert all(0.8 * one.rate <= one.per_minute < one.rate for one in rated if one.rate)


def test_where_nobody_publishes_a_rate_it_is_below_those_that_are_published() -> None:
    rates = [provider.rate for provider in KNOWN if provider.rate]
    assert OWN_SERVER.per_minute < min(rates)


def test_to_this_machine_there_is_no_limit() -> None:
    assert (LOOPBACK.per_minute, LOOPBACK.per_day) == (0, None)

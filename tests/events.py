"""The event file of a test: what every event says, and what this one says besides."""


def event_file(
    more: str = "",
    *,
    title: str = "Pathways to Work",
    day: str = "2027-05-06",
    email: str = "consultations@department.example",
) -> str:
    """Its text; `more` are further tables."""
    return f"""\
[event]
title = "{title}"
start = {day}T14:00:00
end = {day}T15:30:00
timezone = "Europe/London"
uid = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"

[organizer]
name = "Consultation team"
email = "{email}"

{more}"""

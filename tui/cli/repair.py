"""`repair`: what was made of a mis-sent message, and what to do next."""

import argparse
from pathlib import Path

from tui.cli.output import print_json, say
from tui.repair import repair


def run(options: argparse.Namespace) -> int:
    made = repair(options.message, Path(options.dir))
    accident, entry = made.accident, made.accident.entry
    if options.json:
        print_json(
            {
                "folder": str(made.folder),
                "files": list(made.files),
                "exposed": [
                    {"address": person.address, "name": person.name, "where": person.places, "role": person.role}
                    for person in accident.people
                ],
                "entry": entry and {"uid": entry.uid, "sequence": entry.sequence, "kept_by": entry.keeper},
                "cancellable": made.to_cancel,
                "dead_links": list(accident.links),
            }
        )
        return 0
    event = made.folder / "event.toml"
    say(f"“{accident.subject}” exposed {len(accident.people)} people to each other.")
    say(f"Made {made.folder}: {', '.join(made.files)}.")
    say()
    say("What to do now:")
    say(f"1. Give {made.folder / 'breach-record.md'} to your data protection officer: the 72 hours may be running.")
    if entry and entry.keeper:
        say(f"2. Cancel the meeting in {entry.keeper}, where it is kept: nothing sent from here can close it.")
    else:
        say("2. Close the online meeting where it was made, if there is one: nothing sent from here can.")
    say(f"3. Read templates/cancellation.md and templates/correction.md in {made.folder}: change what is not so.")
    if made.to_cancel:
        say(f"4. Take the old entry back: invite-tui cancel --all --event {event} --confirm {made.to_cancel}")
    else:
        say("4. There is no old calendar entry to take back; fill start, end and timezone in.")
    say(f"5. Put the new meeting's link and time into {event}, then: invite-tui {made.folder / 'attendees.csv'}")
    say(f"`invite-tui status --event {event}` says who is still owed the new invitation.")
    return 0

"""`replies`: reads what came back, and says who answered, who asks for something, and what bounced."""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tui.address import key_of
from tui.cli.output import if_any, in_words, print_json, say, tell, tell_over
from tui.errors import InputError
from tui.folder import Folder, open_folder
from tui.ledger import Person, Request
from tui.replies import ASKED, Asked, Collector, Overview, Standing, Tally, overview

_HARMLESS = re.compile(r"(?!-)[\w.+'=-]+@[\w.-]+")
_LONGEST_SHOWN = 300  # characters of a text in the list for people
_WIDEST = 40  # characters of a bar


def run(options: argparse.Namespace) -> int:
    """Reads, or marks what the organiser has decided, and prints all that is known."""
    folder = open_folder([], event=options.event, account=options.account, ledger=options.ledger)
    folder.must_have_ledger()
    people = folder.people()
    tally = Tally()
    if options.accept or options.settle:
        _decide(folder, options.accept, options.settle)
    elif options.mailbox or people:
        tally = _read(folder, options.mailbox, is_anybody_there=bool(people))
    known = overview_of(folder)
    if options.json:
        print_json(document(tally, known))
    else:
        _print(tally, known, folder.people(), is_read=not (options.accept or options.settle))
    return 0


def overview_of(folder: Folder) -> Overview:
    with folder.ledger_to_read() as ledger:
        return overview(ledger.people(), ledger.answers())


def who_waits(folder: Folder) -> Mapping[str, str]:
    """Who is not to be reminded: see `Overview.waiting`."""
    return overview_of(folder).waiting


def _read(folder: Folder, paths: Sequence[str], *, is_anybody_there: bool) -> Tally:
    collector = Collector(folder, _progress)
    if paths and is_anybody_there:
        collector.from_files(paths)
    elif paths:
        tell("Nothing has been sent yet, so nothing can have come back: no mail was read.")
    else:
        from tui.cli.account import unlock_for

        unlock_for(folder)
        collector.from_account(folder.imap_login, folder.account_name)
    for place, reason in collector.tally.unreadable:
        tell(f"not read: {place}: {reason}")
    return collector.tally


def _progress(done: int) -> None:
    if sys.stderr.isatty():
        tell_over(f"{done:,} mails looked at", "")


def _decide(folder: Folder, accepted: Sequence[str], settled: Sequence[str]) -> None:
    """What the organiser says of single answers and requests. InputError where there is none of them."""
    known = overview_of(folder)
    answers, requests = list[int](), list[int]()
    for address in accepted:
        found = known.acceptable(address)
        if not found:
            raise InputError(
                f"There is no answer of {address} that waits to be accepted.",
                hint="`invite-tui replies` lists them as not verified, or as forwarded.",
                code="unknown-address",
            )
        senders = sorted({one.sender or "nobody" for one in found})
        if len(senders) > 1:
            raise InputError(
                f"Several have answered for {address}: {', '.join(senders)}.",
                hint="Name the one whose answer is theirs: --accept takes a sender's address too.",
                code="several-answers",
            )
        answers += [one.id for one in found]
    for address in settled:
        still_open = known.open_requests(address)
        if not still_open:
            raise InputError(
                f"There is no open request of {address}.",
                hint="`invite-tui replies` lists them.",
                code="unknown-address",
            )
        requests += still_open
    with folder.ledger_to_write() as ledger:
        ledger.accept_answers(answers)
        ledger.settle_requests(requests)


def document(tally: Tally, known: Overview) -> dict[str, Any]:
    unreadable = tally.unreadable
    return {
        "read": tally.read,
        "responses": [_response(one) for one in known.responses],
        "bounces": [{"address": one.address, "kind": one.kind, "reply": one.reply} for one in known.bounces],
        "requests": [_request(one) for one in known.requests],
        "forwarded": [
            {
                "address": one.answer.address,
                "invited_as": one.invited_as,
                "response": one.answer.response,
                **({"accepted": True} if one.answer.accepted_at else {}),
            }
            for one in known.forwarded
        ],
        "unmatched": tally.unmatched,
        **({"unreadable": [{"file": place, "reason": why} for place, why in unreadable]} if unreadable else {}),
    }


def _response(one: Standing) -> dict[str, Any]:
    answer = one.answer
    proposed = {"start": answer.proposed[0], "end": answer.proposed[1]} if answer.proposed else None
    return {
        "address": answer.address,
        "response": answer.response,
        "sequence": answer.sequence,
        "current": one.is_current,
        "verified": answer.is_verified,
        "comment": answer.comment,
        "proposed": proposed,
        **({"accepted": True} if answer.accepted_at else {}),
        **({"sender": answer.sender} if not answer.is_verified else {}),
        **({"delegated_to": answer.delegated_to} if answer.delegated_to else {}),
        **({"occurrence": answer.occurrence} if answer.occurrence else {}),
    }


def _print(tally: Tally, known: Overview, people: Mapping[str, Person], *, is_read: bool) -> None:
    if is_read:
        words = f", {tally.unmatched} of them not about this event" if tally.unmatched else ""
        say(f"Read {_of(tally.read, 'new mail')}{words}.")
    for line in (*_counted(people.values()), *_lines(known)):
        say(line)


def _counted(everybody: Collection[Person]) -> Iterator[str]:
    """How many answered what, in a sentence; and as a chart, where it is not the same of all."""
    counts = Counter(map(in_words, everybody)).most_common()
    if counts:
        yield ", ".join(f"{count} {word}" for word, count in counts) + "."
    block = "█" if "utf" in (sys.stdout.encoding or "").lower() else "#"
    for word, count in counts if len(counts) > 1 else ():
        yield f"  {word:13}  {block * max(1, round(_WIDEST * count / counts[0][1]))} {count}"


def _lines(known: Overview) -> Iterator[str]:
    for one in known.responses:
        if one.answer.counts:
            yield f"  {one.answer.response:9}  {one.answer.address}{_about(one)}"
    if known.unverified:
        yield "Not verified: sent by somebody else than the attendee. `replies --accept ADDRESS` takes one for theirs."
        for one in known.unverified:
            sender = one.answer.sender or "nobody"
            yield f"  {one.answer.response:9}  {one.answer.address}, sent by {sender}{_about(one)}"
    if known.forwarded:
        yield "Forwarded: somebody else than the person invited has answered."
        for one in known.forwarded:
            taken = " (accepted as theirs)" if one.answer.accepted_at else ""
            yield f"  {one.answer.response:9}  {one.answer.address}, invited as {one.invited_as}{taken}{_about(one)}"
    if known.bounces:
        yield "Came back:"
        for bounce in known.bounces:
            yield f"  {bounce.kind:9}  {bounce.address}: {bounce.reply or 'no reason given'}"
    yield from _request_lines(known.requests)


def print_follow_up(folder: Folder, people: Mapping[str, Person]) -> None:
    """For `status`: how many come, and who asks for what."""
    everybody = [*people.values(), *folder.forgotten()]
    for line in (*_counted(everybody), *_request_lines(overview_of(folder).requests)):
        say(line)


def requests_document(folder: Folder) -> dict[str, Any]:
    """For `status`: who asks for what, and what was done about it; `done` is null while it is open."""
    return if_any(
        requests=[
            _request(one) | {"at": one.request.at.isoformat(timespec="seconds"), "done": one.done or None}
            for one in overview_of(folder).requests
        ]
    )


def _request(one: Asked) -> dict[str, Any]:
    request = one.request
    return {
        "address": request.address,
        "kind": request.kind,
        "text": request.text,
        "suggested": request.suggested,
        **({"sender": request.sender} if _is_from_elsewhere(request) else {}),
    }


def _is_from_elsewhere(request: Request) -> bool:
    """Whether it was not written at the address that was invited: it may be the new one, or somebody else."""
    return request.sender != key_of(request.address)


def _request_lines(requests: Sequence[Asked]) -> Iterator[str]:
    """Who asks for what, and what was done about it; of an open one, the command that would do it."""
    if not requests:
        return
    yield f"Requests: {len(requests)}, {sum(one.is_open for one in requests)} open."
    for one in requests:
        request = one.request
        who = f"{one.name} <{request.address}>" if one.name else request.address
        yield f"  {'open' if one.is_open else one.done}: {who} asks {ASKED[request.kind]} ({request.at:%Y-%m-%d})"
        written = f", written by {request.sender or 'nobody'}" if _is_from_elsewhere(request) else ""
        yield f"      “{_in_short(request.text)}”{written}"
        if one.is_open and request.kind == "address":
            new = _word(request.suggested, "NEW") if request.suggested else "NEW"
            yield f"      invite-tui resend {_word(request.address, 'OLD')} --to {new} --template correction"
        elif one.is_open and request.kind == "withdraw":
            yield f"      invite-tui cancel {_word(request.address, 'ADDRESS')}"
        elif one.is_open:
            yield f"      invite-tui replies --settle {_word(request.address, 'ADDRESS')}"


def _word(address: str, otherwise: str) -> str:
    """An address in a command that people copy: a stranger's may hold what a shell would run (`, $, &)."""
    if not _HARMLESS.fullmatch(address):
        return otherwise
    return f'"{address}"' if "'" in address else address


def _in_short(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= _LONGEST_SHOWN else f"{joined[: _LONGEST_SHOWN - 1]}…"


def _about(one: Standing) -> str:
    answer = one.answer
    words = ""
    if answer.occurrence:
        words += f", for {answer.occurrence} only"
    if not one.is_current:
        words += ", to an earlier version"
    if answer.delegated_to:
        words += f", to {answer.delegated_to}"
    if answer.proposed:
        words += f", proposes {answer.proposed[0]} to {answer.proposed[1]}"
    return words + (f": “{_in_short(answer.comment)}”" if answer.comment else "")


def _of(count: int, one: str) -> str:
    return f"{count} {one}{'s' * (count != 1)}"

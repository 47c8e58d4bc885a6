"""What is owed to whom, from the event, the list and what the ledger holds. The ledger is made up: `people.Book`."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.making import an_event, columns
from tests.unit.people import Book, changed, listed
from tui.attendees import Attendee
from tui.errors import InputError
from tui.event import Event, MessageSettings, Organizer
from tui.ledger import CalledOff, LeftOut, Outcome
from tui.plan import Action, Amendment, Plan, facts_of, known, make, make_cancel, make_resend, uid_of
from tui.plan.versions import mark_of
from tui.recurrence import parse

EVENT = an_event()
LATER = changed(EVENT, start=EVENT.start + timedelta(hours=1), end=EVENT.end + timedelta(hours=1))
ANA, BO = listed(), listed("bo@example.org", name="Bo Li", line=3)


def told(outcome: Outcome = "accepted", *people: Attendee, event: Event = EVENT, reply: str = "") -> Book:
    """A ledger after a send to these people, Ana alone where nobody is named."""
    book = Book()
    book.put(make(event, people or (ANA,), {}).actions, outcome, reply)
    return book


def owed(event: Event, book: Book, *people: Attendee) -> Sequence[Action]:
    return make(event, people or (ANA,), book.people).actions


def the_one(event: Event, book: Book, *people: Attendee) -> Action:
    (action,) = owed(event, book, *people)
    return action


def resent(event: Event, book: Book, address: str = "ana@example.org", *people: Attendee) -> Action:
    (action,) = make_resend(event, {person.key: person for person in people}, book.people, [address]).actions
    return action


# --- a send -----------------------------------------------------------------------------------------------------------


def test_somebody_new_is_invited() -> None:
    action = the_one(EVENT, Book())
    assert (action.action, action.kind, action.sequence, action.line) == ("invite", "due", 0, 2)
    assert action.reason == "first invitation" and action.changes == ()


def test_somebody_new_is_invited_and_not_updated_after_the_event_has_moved() -> None:
    actions = owed(LATER, told(), ANA, BO)
    assert [(action.action, action.sequence) for action in actions] == [("update", 1), ("invite", 0)]
    assert actions[1].changes == ()


def test_who_holds_the_current_invitation_is_sent_nothing() -> None:
    action = the_one(EVENT, told())
    assert (action.action, action.kind) == ("none", "held")


@pytest.mark.parametrize(
    ("facts", "what", "old", "new"),
    [
        ({"title": "Another title"}, "Title", "Pathways to Work", "Another title"),
        ({"location": "Room 4"}, "Place", "Microsoft Teams", "Room 4"),
        ({"location": ""}, "Place", "Microsoft Teams", ""),
        (
            {"join_url": "https://other.example/"},
            "Link",
            "https://teams.example/l/meetup-join/abc",
            "https://other.example/",
        ),
        ({"start": LATER.start, "end": LATER.end}, "Time", EVENT.when, LATER.when),
        ({"end": LATER.end}, "Time", EVENT.when, changed(EVENT, end=LATER.end).when),
    ],
)
@pytest.mark.parametrize("outcome", ["accepted", "unknown"])
def test_a_changed_fact_is_an_update_with_the_next_sequence(
    facts: dict[str, object], what: str, old: str, new: str, outcome: Outcome
) -> None:
    book = told(outcome)
    action = the_one(changed(EVENT, **facts), book)
    before = book.people[ANA.key].messages[0]
    assert (action.action, action.sequence, action.uid, action.round) == ("update", 1, before.uid, 0)
    assert [(change.what, change.old, change.new) for change in action.changes] == [(what, old, new)]
    assert what.lower() in action.reason
    assert action.in_reply_to == before.message_id
    assert action.not_before is not None and action.not_before >= before.stamp


def test_several_changes_are_all_told() -> None:
    action = the_one(changed(LATER, title="Other", location="Room 4", join_url="https://o.example/"), told())
    assert [change.what for change in action.changes] == ["Title", "Place", "Link", "Time"]


@pytest.mark.parametrize(
    "facts",
    [
        {"description": "Bring a pen."},
        {"organizer": Organizer("New name", EVENT.organizer.email)},
        {"message": MessageSettings(subject="Come", attachments=(Path("/nowhere/a.pdf"),))},
        {"timezone": "Europe/Lisbon"},
        {"message": MessageSettings(language="de")},
        {"reply_by": date(2027, 4, 30)},
    ],
)
def test_changed_wording_alone_sends_nothing(facts: dict[str, object]) -> None:
    assert the_one(changed(EVENT, **facts), told()).kind == "held"


WEEKLY = changed(EVENT, rule=parse("FREQ=WEEKLY;COUNT=6", EVENT.start, all_day=False))


def test_an_event_that_becomes_a_series_is_at_another_time() -> None:
    action = the_one(WEEKLY, told())
    assert [(change.what, change.old, change.new) for change in action.changes] == [("Time", EVENT.when, WEEKLY.when)]
    assert the_one(EVENT, told(event=WEEKLY)).action == "update"


def test_another_rule_or_zone_of_a_series_is_another_time_and_the_same_in_other_words_is_not() -> None:
    longer = changed(EVENT, rule=parse("FREQ=WEEKLY;COUNT=7", EVENT.start, all_day=False))
    assert the_one(longer, told(event=WEEKLY)).action == "update"
    assert the_one(changed(WEEKLY, timezone="Europe/Lisbon"), told(event=WEEKLY)).action == "update"
    same = changed(EVENT, rule=parse("rrule:COUNT=6;freq=weekly;BYDAY=TH", EVENT.start, all_day=False))
    assert the_one(same, told(event=WEEKLY)).kind == "held"


def test_whole_days_are_compared_as_days_whatever_the_zone() -> None:
    def at(zone: str) -> Event:
        begin = datetime(2027, 5, 6, tzinfo=ZoneInfo(zone))
        return changed(EVENT, start=begin, end=begin + timedelta(days=1), timezone=zone, all_day=True)

    book = told(event=at("Europe/London"))
    assert book.people[ANA.key].messages[0].facts["start"] == "2027-05-06"
    assert the_one(at("Asia/Tokyo"), book).kind == "held"
    longer = changed(at("UTC"), end=at("UTC").end + timedelta(days=1))
    assert [change.what for change in the_one(longer, book).changes] == ["Time"]
    assert the_one(EVENT, book).action == "update"


def test_a_change_of_the_persons_own_link_is_an_update_for_them_alone() -> None:
    own = columns("Name", "Email", "Join URL")
    first = replace(ANA, columns=own, cells=("Ana Ruiz", "ana@example.org", "https://x.example/1"))
    second = replace(first, cells=("Ana Ruiz", "ana@example.org", "https://x.example/2"))
    actions = owed(EVENT, told("accepted", first, BO), second, BO)
    assert [action.action for action in actions] == ["update", "none"]
    assert actions[0].changes[0].new == "https://x.example/2"
    assert the_one(changed(EVENT, join_url="https://y.example/"), told("accepted", first), first).kind == "held"


def test_a_second_change_has_the_sequence_after_the_first_and_tells_the_difference_to_what_is_held() -> None:
    book = told()
    book.put(owed(LATER, book))
    third = changed(LATER, location="Room 4")
    action = the_one(third, book)
    assert (action.sequence, [change.what for change in action.changes]) == (2, ["Place"])


def test_a_change_that_was_taken_back_before_it_was_sent_sends_nothing() -> None:
    book = told()
    for outcome in ("deferred", "unsent", "refused"):
        other = Book()
        other.people = dict(book.people)
        other.put(owed(LATER, other), outcome)
        assert the_one(EVENT, other).kind == "held"


def test_unknown_is_left_for_the_organiser() -> None:
    action = the_one(EVENT, told("unknown"))
    assert (action.action, action.kind) == ("none", "unknown") and "resend" in action.reason


def test_refused_is_left_until_the_event_the_address_or_the_organiser_says_otherwise() -> None:
    book = told("refused", reply="550 5.1.1 No such user")
    left = the_one(EVENT, book)
    assert (left.action, left.kind) == ("none", "refused") and "No such user" in left.reason
    after_change = the_one(LATER, book)
    assert (after_change.action, after_change.sequence, after_change.round) == ("invite", 0, 1)
    assert after_change.changes == ()
    asked = resent(EVENT, book)
    assert (asked.action, asked.sequence, asked.round) == ("invite", 0, 1)


def test_a_corrected_address_after_a_refusal_is_a_first_invitation_and_cancels_nothing() -> None:
    before = listed("ana@example.org", key="7")
    after = listed("ana.ruiz@example.org", key="7")
    action = the_one(EVENT, told("refused", before), after)
    assert (action.action, action.generation, action.sequence) == ("invite", 1, 0)
    assert "ana@example.org" in action.reason


def test_a_refused_update_is_left_until_the_event_changes_again() -> None:
    book = told()
    book.put(owed(LATER, book), "refused", "554 5.6.0 Bad content")
    left = the_one(LATER, book)
    assert (left.action, left.kind) == ("none", "refused") and "Bad content" in left.reason
    assert the_one(changed(LATER, location="Room 4"), book).sequence == 2
    asked = resent(LATER, book)
    assert (asked.action, asked.sequence, asked.round) == ("update", 1, 1)
    assert [change.what for change in asked.changes] == ["Time"]


@pytest.mark.parametrize("outcome", ["deferred", "unsent"])
def test_what_was_put_off_or_not_tried_is_due_again_as_the_same_message(outcome: Outcome) -> None:
    book = told(outcome)
    action, before = the_one(EVENT, book), book.people[ANA.key].messages[0]
    assert (action.action, action.uid, action.sequence, action.round) == ("invite", before.uid, 0, 0)
    assert action.pending == before and action.reason.startswith("still to send")
    book.put([action])
    assert the_one(EVENT, book).kind == "held" and len(book.people[ANA.key].messages) == 1


@pytest.mark.parametrize("outcome", ["deferred", "unsent"])
def test_an_update_that_was_put_off_is_due_again_with_the_same_sequence(outcome: Outcome) -> None:
    book = told()
    book.put(owed(LATER, book), outcome)
    again = the_one(LATER, book)
    assert (again.action, again.sequence, again.pending) == ("update", 1, book.people[ANA.key].messages[1])
    assert [change.what for change in again.changes] == ["Time"]
    moved = the_one(changed(LATER, location="Room 4"), book)
    assert (moved.sequence, moved.pending is not None) == (1, True), "nothing with this sequence has arrived"
    assert {change.what for change in moved.changes} == {"Time", "Place"}


def test_an_invitation_that_was_put_off_keeps_its_entry_when_the_organizers_domain_changes() -> None:
    moved = changed(EVENT, organizer=Organizer("Team", "team@other.example"))
    book = told("deferred")
    assert the_one(moved, book).uid == book.people[ANA.key].messages[0].uid


# --- addresses and keys -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["accepted", "unknown"])
def test_a_changed_address_under_the_same_id_cancels_at_the_old_and_invites_at_the_new(outcome: Outcome) -> None:
    book = told(outcome, listed("old@example.org", key="7"))
    cancel, invite = owed(EVENT, book, listed("new@example.org", key="7"))
    before = book.people["7"].messages[0]
    assert (cancel.action, cancel.attendee.address, cancel.uid, cancel.sequence) == (
        *("cancel", "old@example.org"),
        before.uid,
        1,
    )
    assert (invite.action, invite.attendee.address, invite.sequence) == ("invite", "new@example.org", 0)
    assert invite.uid != before.uid
    assert cancel.in_reply_to == before.message_id
    book.put([cancel, invite])
    assert the_one(EVENT, book, listed("new@example.org", key="7")).kind == "held"


@pytest.mark.parametrize("outcome", ["deferred", "unsent"])
def test_a_cancellation_that_did_not_go_out_is_still_owed(outcome: Outcome) -> None:
    book, now = told("accepted", listed("old@example.org", key="7")), listed("new@example.org", key="7")
    cancel, invite = owed(EVENT, book, now)
    book.put([cancel], outcome)
    book.put([invite])
    again, held = owed(EVENT, book, now)
    assert (again.action, again.attendee.address, again.uid, again.sequence) == (
        *("cancel", "old@example.org"),
        cancel.uid,
        cancel.sequence,
    )
    assert (again.in_reply_to, held.kind) == (cancel.in_reply_to, "held")


def test_an_address_that_changes_back_has_a_third_entry_and_the_second_is_cancelled() -> None:
    here, there = listed("a@example.org", key="7"), listed("b@example.org", key="7")
    book = told("accepted", here)
    book.put(owed(EVENT, book, there))
    cancel, invite = owed(EVENT, book, here)
    assert (cancel.attendee.address, invite.attendee.address, invite.generation) == (
        "b@example.org",
        "a@example.org",
        2,
    )


def test_two_people_whose_addresses_were_exchanged_are_cancelled_and_invited_each() -> None:
    book = told("accepted", listed("a@example.org", key="1"), listed("b@example.org", key="2"))
    plan = make(EVENT, [listed("b@example.org", key="1"), listed("a@example.org", key="2")], book.people)
    assert [(action.action, action.attendee.address, action.attendee.key) for action in plan.actions] == [
        *(("cancel", "a@example.org", "1"), ("invite", "b@example.org", "1")),
        *(("cancel", "b@example.org", "2"), ("invite", "a@example.org", "2")),
    ]
    assert len({(action.uid, action.sequence) for action in plan.actions}) == 4


def test_another_spelling_of_the_same_address_is_no_change() -> None:
    book = told("accepted", listed("ana@example.org", key="7"))
    assert the_one(EVENT, book, listed("ANA@example.org", key="7")).kind == "held"


def test_an_id_column_that_is_added_or_removed_invites_nobody_a_second_time() -> None:
    for before, after in ((None, "7"), ("7", None)):
        book = told("accepted", listed(key=before))
        action = the_one(EVENT, book, listed(key=after))
        assert action.kind == "held" and "known by the address" in action.reason
        update = the_one(LATER, book, listed(key=after))
        assert (update.action, update.uid) == ("update", book.people[before or ANA.key].messages[0].uid)


def test_an_address_that_now_belongs_to_another_id_is_another_person() -> None:
    book = told("accepted", listed("shared@example.org", key="7"))
    actions = owed(EVENT, book, listed("shared@example.org", key="8"))
    assert [(action.action, action.kind, action.attendee.key) for action in actions] == [
        ("invite", "due", "8"),
        ("none", "removed", "7"),
    ]


def test_of_two_who_now_share_a_mailbox_one_is_the_person_who_was_known() -> None:
    book = told("accepted", listed("shared@example.org"))
    actions = owed(EVENT, book, listed("shared@example.org", key="1"), listed("shared@example.org", key="2"))
    assert [action.kind for action in actions] == ["held", "due"]


# --- who is left out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["accepted", "unknown", "refused", "deferred", "unsent"])
def test_who_is_no_longer_on_the_list_is_reported_and_left_alone(outcome: Outcome) -> None:
    actions = owed(LATER, told(outcome, ANA, BO), BO)
    removed = next(action for action in actions if action.attendee.key == ANA.key)
    assert (removed.action, removed.kind, removed.line) == ("none", "removed", None)
    assert ("holds an invitation" in removed.reason) == (outcome in ("accepted", "unknown"))


def test_who_withdrew_is_left_out_and_the_plan_says_whether_a_cancellation_is_owed() -> None:
    gone = replace(ANA, withdrawn="Cancelled")
    for book, is_owed in ((Book(), False), (told(), True), (told("unknown"), True), (told("refused"), False)):
        action = the_one(LATER, book, gone)
        assert (action.action, action.kind) == ("none", "withdrawn") and "Cancelled" in action.reason
        assert ("cancellation is owed" in action.reason) == is_owed


def test_who_withdrew_one_registration_and_holds_another_is_invited_once() -> None:
    gone = replace(ANA, withdrawn="Cancelled", line=9)
    assert [action.action for action in make(EVENT, [gone, ANA], {}).actions] == ["invite"]
    assert make(EVENT, [gone, replace(gone, line=10)], {}).counts["withdrawn"] == 1


def test_a_row_with_an_error_is_left_out_and_its_person_is_not_called_removed() -> None:
    book = told("accepted", ANA, BO)
    assert [action.attendee.key for action in owed(EVENT, book, replace(ANA, has_error=True), BO)] == [BO.key]
    assert [action.action for action in make(EVENT, [ANA, replace(ANA, has_error=True, line=8)], {}).actions] == [
        "invite"
    ]


def test_who_was_cancelled_is_left_out_until_resend_invites_anew() -> None:
    book = told()
    held = book.people[ANA.key].messages[0]
    book.carry_out(make_cancel(LATER, {}, book.people, ["ana@example.org"]))
    for event in (EVENT, LATER):
        assert the_one(event, book).kind == "cancelled"
    assert make(EVENT, [], book.people).actions == ()
    anew = resent(LATER, book)
    assert (anew.action, anew.sequence, anew.generation) == ("invite", 0, 1) and anew.uid != held.uid


# --- resend -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["accepted", "unknown"])
def test_a_resend_is_the_same_version_once_more(outcome: Outcome) -> None:
    book = told(outcome)
    before = book.people[ANA.key].messages[0]
    action = resent(EVENT, book)
    assert (action.action, action.uid, action.sequence, action.round) == ("invite", before.uid, 0, 1)
    assert (action.in_reply_to, action.not_before) == (before.message_id, before.stamp)
    book.put([action])
    assert resent(EVENT, book).round == 2


def test_a_resend_that_was_put_off_is_the_next_sends_business_and_one_more_resend_takes_it_over() -> None:
    book = told()
    book.put([resent(EVENT, book)], "deferred")
    due = the_one(EVENT, book)
    assert (due.action, due.round, due.pending) == ("invite", 1, book.people[ANA.key].messages[1])
    assert resent(EVENT, book).round == 1


def test_a_resend_after_a_change_is_the_update_that_is_owed() -> None:
    action = resent(LATER, told())
    assert (action.action, action.sequence, action.round) == ("update", 1, 0)


def test_a_resent_update_tells_the_same_changes() -> None:
    book = told()
    update = the_one(LATER, book)
    book.put([update])
    again = resent(LATER, book)
    assert (again.action, again.sequence, again.round, again.changes) == ("update", 1, 1, update.changes)
    assert again.in_reply_to == book.people[ANA.key].messages[0].message_id


@pytest.mark.parametrize("outcome", ["deferred", "unsent"])
def test_a_resend_of_what_never_went_out_is_that_message(outcome: Outcome) -> None:
    book = told(outcome)
    action = resent(EVENT, book)
    assert (action.action, action.round, action.uid) == ("invite", 0, book.people[ANA.key].messages[0].uid)


def test_a_resend_takes_the_row_where_there_is_one_and_else_what_the_ledger_holds() -> None:
    book = told()
    assert resent(EVENT, book, "ANA@example.org").attendee.line == 0
    renamed = replace(ANA, name="Ana Ruiz Soto")
    assert resent(EVENT, book, ANA.address, renamed).attendee.name == "Ana Ruiz Soto"


def test_a_resend_to_a_stranger_or_to_an_address_that_was_never_sent_to_is_refused() -> None:
    book = told("accepted", listed("old@example.org", key="7"))
    for people in ((), (BO,)):
        with pytest.raises(InputError, match=r"bo@example\.org"):
            resent(EVENT, book, BO.address, *people)
    with pytest.raises(InputError, match="new address"):
        resent(EVENT, book, "new@example.org", listed("new@example.org", key="7"))


def test_a_resend_does_not_mix_up_two_who_had_the_same_address() -> None:
    gone, now = listed("shared@example.org", key="7"), listed("shared@example.org", key="8", name="Bo Li")
    book = told("accepted", gone)
    book.put(make(EVENT, [now], book.people).actions)
    action = resent(EVENT, book, "shared@example.org", now)
    assert (action.attendee.key, action.uid) == ("8", book.people["8"].messages[0].uid)


def test_one_person_named_twice_is_one_message() -> None:
    assert len(make_resend(EVENT, {}, told().people, ["ana@example.org", "ANA@example.org"]).actions) == 1


# --- the whole plan ---------------------------------------------------------------------------------------------------


def a_full_plan() -> Plan:
    """One of everything."""
    rows = [listed(f"{name}@example.org", key=name, group=group) for name, group in (
        *(("new", "staff"), ("held", "public"), ("unknown", "public"), ("refused", "public"), ("deferred", "staff")),
        *(("moved", "staff"), ("gone", "public"), ("withdrawn", "public"), ("cancelled", "public")),
    )]  # fmt: skip
    book = Book()
    by_name = {row.key: row for row in rows}
    for name in ("held", "moved", "gone", "withdrawn", "cancelled"):
        book.put(make(EVENT, [by_name[name]], {}).actions)
    for name in ("unknown", "refused", "deferred"):
        book.put(make(EVENT, [by_name[name]], {}).actions, name)  # type: ignore[arg-type]  # one of the three
    book.carry_out(make_cancel(LATER, {}, book.people, ["cancelled@example.org"]))
    by_name["moved"] = replace(by_name["moved"], address="elsewhere@example.org")
    by_name["withdrawn"] = replace(by_name["withdrawn"], withdrawn="no")
    return make(EVENT, [row for row in by_name.values() if row.key != "gone"], book.people)


def test_the_counts_add_up_to_the_actions() -> None:
    plan = a_full_plan()
    assert plan.counts == {"invite": 3, "update": 0, "cancel": 1, "none": 3, "unknown": 1, "removed": 1, "withdrawn": 1}
    assert sum(plan.counts.values()) == len(plan.actions)
    assert len(plan.to_send) == 4 and all(action.uid and action.reason for action in plan.to_send)


def test_the_groups_are_those_of_the_messages() -> None:
    assert a_full_plan().groups == {"staff": 4}
    assert list(make(EVENT, [replace(BO, group="b"), replace(ANA, group="a")], {}).groups) == ["b", "a"]


def test_only_these_people_with_all_that_they_are_owed() -> None:
    plan = a_full_plan()
    chosen = plan.only(["NEW@example.org"])
    assert [action.attendee.key for action in chosen.actions] == ["new"] and chosen.digest == plan.digest
    for address in ("elsewhere@example.org", "moved@example.org"):
        assert [action.action for action in plan.only([address]).actions] == ["cancel", "invite"]
    with pytest.raises(InputError, match="nobody@example"):
        plan.only(["new@example.org", "nobody@example.org"])


def test_everybody_on_the_list_is_in_the_plan_exactly_once() -> None:
    plan = a_full_plan()
    keys = [action.attendee.key for action in plan.actions if action.action != "cancel"]
    assert len(keys) == len(set(keys)) == 9


# --- the digest -------------------------------------------------------------------------------------------------------

OWN = columns("Name", "Email", "Room")


def with_room(room: str) -> Attendee:
    return replace(ANA, columns=OWN, cells=("Ana Ruiz", "ana@example.org", room))


def sealed(
    rows: Sequence[Attendee] = (with_room("B"), BO),
    *,
    held: Outcome = "deferred",
    seals: Sequence[str] = ("template", "ledger"),
    **facts: object,
) -> Plan:
    return make(changed(EVENT, **facts), rows, told(held).people, seals)


BASE = sealed()
MATTERS = {
    "title": sealed(title="x"),
    "description": sealed(description="x"),
    "time": sealed(start=LATER.start),
    "zone": sealed(timezone="Europe/Lisbon"),
    "organizer": sealed(organizer=Organizer("x", "y@z.example")),
    "reply to": sealed(message=MessageSettings(reply_to="x@y.example")),
    "an attachment's name": sealed(message=MessageSettings(attachments=(Path("/a/b.pdf"),))),
    "a cell": sealed([with_room("C"), BO]),
    "a name": sealed([replace(with_room("B"), name="Anna"), BO]),
    "a group": sealed([replace(with_room("B"), group="x"), BO]),
    "an address": sealed([with_room("B"), replace(BO, address="b@example.org")]),
    "one person less": sealed([with_room("B")]),
    "the order": sealed([BO, with_room("B")]),
    "the event's uid": sealed([BO], uid="x"),
    "what the ledger holds": sealed(held="refused"),
    "a template": sealed(seals=["other", "ledger"]),
    "seals that run together": sealed(seals=["templateledger"]),
}


@pytest.mark.parametrize("other", MATTERS.values(), ids=MATTERS)
def test_the_digest_changes_with_all_that_matters(other: Plan) -> None:
    assert other.digest != BASE.digest
    assert re.fullmatch("[0-9a-f]{64}", BASE.digest)


def test_the_digest_is_the_same_for_the_same_wherever_it_is_made() -> None:
    moved = changed(EVENT, path=Path("/somewhere/else/event.toml"))
    again = make(
        moved, [replace(with_room("B"), line=70, file="other.csv"), BO], told("deferred").people, ["template", "ledger"]
    )
    assert again.digest == BASE.digest
    there, here = (
        make(changed(EVENT, message=MessageSettings(attachments=(Path(folder) / "a.pdf",))), [ANA], {}).digest
        for folder in ("/one", "/two")
    )
    assert there == here


def test_the_digest_and_the_uids_do_not_give_the_events_secret_away() -> None:
    assert EVENT.uid not in BASE.digest + BASE.actions[0].uid


# --- uids -------------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    secret=st.text(min_size=1, max_size=60).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)),
    keys=st.lists(st.text(st.characters(codec="utf-8"), max_size=80), min_size=2, max_size=2, unique=True),
    generations=st.lists(st.integers(0, 50), min_size=2, max_size=2, unique=True),
    domain=st.sampled_from(
        ["department.example", "-".join("a" * 60 for _ in range(3)) + ".example", ".".join(["b" * 50] * 5)]
    ),
)
def test_a_uid_is_one_persons_and_generations_alone_and_short_enough(
    secret: str, keys: list[str], generations: list[int], domain: str
) -> None:
    event = changed(EVENT, uid=secret, organizer=Organizer("x", f"x@{domain}"))
    uids = {uid_of(event, key, generation) for key in keys for generation in generations}
    assert len(uids) == 4
    for uid in uids:
        assert len(uid.encode()) <= 200
        assert re.fullmatch(r"[0-9a-f]{40}@[a-z0-9][a-z0-9.-]*", uid)
        assert not uid.upper().startswith("040000008200E000")
    assert uids.isdisjoint(uid_of(changed(event, uid=secret + "x"), key, 0) for key in keys)


def test_a_uid_is_the_same_in_a_rehearsal_and_a_send() -> None:
    assert uid_of(EVENT, "7", 0) == uid_of(an_event(title="Another", location="Elsewhere"), "7", 0)


# --- purity -----------------------------------------------------------------------------------------------------------


def test_a_plan_looks_at_nothing_but_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(make.__code__.co_filename).read_text("utf-8")
    for word in ("datetime.now", "time.time", "open(", "read_text", "read_bytes", "os.environ", "random", "secrets"):
        assert word not in source, word
    book = told("deferred", ANA, BO)
    assert make(LATER, [ANA, BO], book.people) == make(LATER, [ANA, BO], book.people)


def test_what_the_ledger_remembers_of_a_person_is_an_attendee_again() -> None:
    own = columns("Name", "Email", "Join URL")
    row = replace(ANA, columns=own, cells=("Ana Ruiz", "ana@example.org", "https://x.example/1"))
    remembered = known(told("accepted", row).people[ANA.key])
    assert (remembered.key, remembered.address, remembered.name, remembered.fields) == (
        ANA.key,
        ANA.address,
        ANA.name,
        row.fields,
    )
    assert facts_of(EVENT, remembered) == facts_of(EVENT, row)
    assert remembered.columns is known(told("accepted", row).people[ANA.key]).columns


# --- over time --------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["time", "place", "back", "address", "back home", "nothing", "resend", "leave", "join"]),
            st.sampled_from(["accepted", "accepted", "refused", "deferred", "unknown", "unsent"]),
        ),
        max_size=12,
    )
)
def test_whatever_happens_each_version_is_sent_once_and_the_last_word_is_the_current_event(
    steps: list[tuple[str, Outcome]],
) -> None:
    event, row, book = EVENT, listed("a@example.org", key="7"), Book()
    for what, outcome in [*steps, ("join", "accepted"), ("elsewhere", "accepted"), ("nothing", "accepted")]:
        match what:
            case "time":
                event = changed(event, start=event.start + timedelta(hours=1), end=event.end + timedelta(hours=1))
            case "place":
                event = changed(event, location=event.location + "x")
            case "elsewhere":  # what nobody was told of before: an earlier version may be unknown
                event = changed(event, location="Room 4")
            case "back":
                event = EVENT
            case "address":
                row = replace(row, address="b@example.org")
            case "back home":
                row = replace(row, address="a@example.org")
            case "leave":
                row = replace(row, withdrawn="no")
            case "join":
                row = replace(row, withdrawn=None)
            case "resend" if "7" in book.people:
                again = make_resend(event, {}, book.people, [book.people["7"].address])
                book.put(again.actions, outcome)  # refuses the same version a second time
        book.put(make(event, [row], book.people).actions, outcome)
    (last,) = make(event, [row], book.people).actions
    assert (
        last.kind == "held"
        or "holds the current invitation; the cancellation to" in last.reason
        or ("holds the current invitation; it is not known whether the cancellation to" in last.reason)
    )
    # What each calendar shows by RFC 5546: per UID the highest sequence counts.
    calendar: dict[tuple[str, str], tuple[int, str, str]] = {}
    for message in book.people["7"].messages:
        if message.outcome == "accepted":
            entry = (message.address, message.uid)
            calendar[entry] = max(
                calendar.get(entry, (-1, "", "")), (message.sequence, message.action, message.facts["start"])
            )
    shown = [(address, start) for (address, _), (_, action, start) in calendar.items() if action != "cancel"]
    assert (row.address, facts_of(event, row)["start"]) in shown


# --- who was forgotten ------------------------------------------------------------------------------------------------


def forgotten(*names: str, generation: int = 0) -> LeftOut:
    blank = LeftOut("secret")
    return LeftOut("secret", {blank.mark(name): generation for name in names})


def test_who_was_forgotten_is_left_out_by_key_and_by_address() -> None:
    with_id = listed("bo@example.org", key="B-7", line=3)
    for out in (forgotten("B-7"), forgotten("bo@example.org")):
        made = make(EVENT, [ANA, with_id], {}, forgotten=out)
        assert [(one.action, one.kind) for one in made.actions] == [("invite", "due"), ("none", "forgotten")]
        assert made.counts["none"] == 1 and "was forgotten" in made.actions[1].reason


def test_who_is_in_the_ledger_again_is_not_left_out() -> None:
    book = told()
    (action,) = make(LATER, [ANA], book.people, forgotten=forgotten(ANA.key)).actions
    assert action.action == "update"


def test_who_was_forgotten_is_invited_anew_only_by_name_and_from_a_list() -> None:
    out = forgotten(ANA.key, generation=2)
    (action,) = make_resend(EVENT, {ANA.key: ANA}, {}, [ANA.address], forgotten=out).actions
    assert (action.action, action.generation, action.uid) == ("invite", 3, uid_of(EVENT, ANA.key, 3))
    with pytest.raises(InputError, match="was forgotten: the ledger has neither") as refused:
        make_resend(EVENT, {}, {}, [ANA.address], forgotten=out)
    assert refused.value.code == "forgotten"
    with pytest.raises(InputError, match="nothing to correct"):
        make_resend(EVENT, {ANA.key: ANA}, {}, [ANA.address], amendment=Amendment("new@example.org"), forgotten=out)


def test_nothing_can_be_taken_back_from_who_was_forgotten_and_that_is_said() -> None:
    with pytest.raises(InputError, match="was forgotten: the ledger does not know what they hold"):
        make_cancel(EVENT, {ANA.key: ANA}, {}, [ANA.address], forgotten=forgotten(ANA.key))
    assert make_cancel(EVENT, {ANA.key: ANA}, {}, None, forgotten=forgotten(ANA.key)).to_send == ()


def test_a_cancelled_event_leaves_the_forgotten_as_they_are() -> None:
    made = make(EVENT, [ANA], {}, off=CalledOff(mark_of(EVENT)), forgotten=forgotten(ANA.key))
    assert [one.kind for one in made.actions] == ["forgotten"]

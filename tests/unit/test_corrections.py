"""What the organiser asks for by name: a corrected address or field, a cancellation, and what is remembered of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.making import an_event, columns
from tests.unit.people import Book, changed, listed
from tui.attendees import Attendee
from tui.errors import InputError, UsageError
from tui.event import Event
from tui.ledger import Correction, Outcome
from tui.plan import Action, Amendment, Plan, clashes, make, make_cancel, make_resend

EVENT = an_event()
LATER = changed(EVENT, start=EVENT.start + timedelta(hours=1), end=EVENT.end + timedelta(hours=1))
ANA, BO = listed(), listed("bo@example.org", name="Bo Li", line=3)
NEW = "ana@example.net"


def told(*people: Attendee, outcome: Outcome = "accepted") -> Book:
    book = Book()
    book.carry_out(make(EVENT, people or (ANA, BO), {}), outcome)
    return book


def send(book: Book, *people: Attendee, event: Event = EVENT, wordings: dict[str, str] | None = None) -> Plan:
    return make(event, people or (ANA, BO), book.people, off=book.off, wordings=wordings or {})


def sent(plan: Plan) -> list[tuple[str, str, int]]:
    return [(action.action, action.attendee.address, action.sequence) for action in plan.to_send]


def correct(book: Book, to: str = NEW, address: str = "ana@example.org", *people: Attendee) -> Plan:
    listed_now = {person.key: person for person in people}
    return make_resend(EVENT, listed_now, book.people, [address], amendment=Amendment(to))


def cancel(book: Book, *addresses: str, event: Event = EVENT) -> Plan:
    return make_cancel(event, {}, book.people, addresses or None)


def of(plan: Plan, address: str) -> Action:
    (found,) = (action for action in plan.actions if action.attendee.address == address)
    return found


# --- a corrected address ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["accepted", "unknown"])
def test_the_old_address_is_cancelled_and_the_new_one_invited_under_a_uid_of_its_own(outcome: Outcome) -> None:
    book = told(outcome=outcome)
    plan = correct(book)
    assert sent(plan) == [("cancel", "ana@example.org", 1), ("invite", NEW, 0)]
    cancelled, invited = plan.actions
    assert cancelled.uid == book.people[ANA.key].messages[0].uid != invited.uid
    assert plan.decisions.corrections == (Correction(ANA.key, "", "ana@example.org", NEW),)


@pytest.mark.parametrize("outcome", ["refused", "deferred", "unsent"])
def test_where_nothing_has_arrived_nothing_is_cancelled(outcome: Outcome) -> None:
    assert sent(correct(told(outcome=outcome))) == [("invite", NEW, 0)]


def test_a_list_that_still_has_the_old_address_does_not_undo_it() -> None:
    book = told()
    book.carry_out(correct(book))
    plan = send(book)
    assert sent(plan) == [] and of(plan, NEW).kind == "held"
    assert sent(send(book, event=LATER)) == [("update", NEW, 1), ("update", "bo@example.org", 1)]


def test_a_list_that_has_the_new_address_now_is_the_same_person() -> None:
    book = told()
    book.carry_out(correct(book))
    plan = send(book, listed(NEW), BO)
    assert sent(plan) == [] and len(plan.actions) == 2


def test_a_list_that_has_both_addresses_is_one_person_and_one_message() -> None:
    book = told()
    book.carry_out(correct(book))
    plan = send(book, ANA, BO, listed(NEW, line=9), event=LATER)
    assert sent(plan) == [("update", NEW, 1), ("update", "bo@example.org", 1)]
    assert "same person" in plan.actions[-1].reason


def test_a_list_that_was_corrected_to_a_third_address_is_right() -> None:
    person = listed(key="7")
    book = told(person)
    book.carry_out(correct(book, NEW, "ana@example.org"))
    third = listed("ana@example.com", key="7")
    assert sent(send(book, third)) == [("cancel", NEW, 1), ("invite", "ana@example.com", 0)]


def test_it_can_be_corrected_twice_and_back() -> None:
    book = told()
    book.carry_out(correct(book))
    book.carry_out(correct(book, "ana@example.com", NEW))
    assert sent(send(book)) == []
    uids = {message.uid for message in book.people[ANA.key].messages}
    assert len(uids) == 3
    back = correct(book, "ana@example.org", "ana@example.com")
    assert sent(back) == [("cancel", "ana@example.com", 1), ("invite", "ana@example.org", 0)]


def test_what_was_not_sent_of_a_correction_is_still_owed() -> None:
    book = told()
    book.carry_out(correct(book), "unsent")
    assert sent(send(book)) == [
        ("cancel", "ana@example.org", 1),
        ("invite", NEW, 0),
    ]


@pytest.mark.parametrize("taken", ["bo@example.org", "BO@Example.ORG"])
def test_another_attendees_address_is_refused(taken: str) -> None:
    with pytest.raises(InputError, match="another attendee's"):
        correct(told(), taken)


def test_an_address_on_the_list_that_was_never_sent_anything_is_another_attendees() -> None:
    with pytest.raises(InputError, match="another attendee's"):
        correct(told(ANA), "cai@example.org", "ana@example.org", ANA, listed("cai@example.org"))


@pytest.mark.parametrize(
    ("to", "words"),
    [("ana@example.org", "already"), ("not an address", "is not an address"), ("a@b.example, c@d.example", "address")],
)
def test_an_address_that_makes_no_sense_is_refused(to: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        correct(told(), to)


def test_a_correction_is_one_persons() -> None:
    with pytest.raises(UsageError, match="one person"):
        make_resend(EVENT, {}, told().people, ["ana@example.org", "bo@example.org"], amendment=Amendment(NEW))


def test_the_old_address_is_explained_afterwards() -> None:
    book = told()
    book.carry_out(correct(book))
    with pytest.raises(InputError, match=f"was corrected to {NEW}"):
        make_resend(EVENT, {}, book.people, ["ana@example.org"])


def test_two_addresses_that_were_exchanged_are_each_cancelled_and_invited() -> None:
    ana, bo = listed(key="1"), listed("bo@example.org", key="2", name="Bo Li")
    book = told(ana, bo)
    plan = send(book, replace(ana, address=bo.address), replace(bo, address=ana.address))
    assert sent(plan) == [
        ("cancel", "ana@example.org", 1), ("invite", "bo@example.org", 0),
        ("cancel", "bo@example.org", 1), ("invite", "ana@example.org", 0),
    ]  # fmt: skip
    assert len({action.uid for action in plan.actions}) == 4


def test_a_name_that_was_corrected_in_the_list_is_reported_and_sends_nothing() -> None:
    plan = send(told(), replace(ANA, name="Anna Ruiz"), BO)
    assert sent(plan) == [] and "it was sent to the name “Ana Ruiz”" in of(plan, "ana@example.org").reason


# --- a corrected field ------------------------------------------------------------------------------------------------


def with_room(room: str, name: str = "Ana Ruiz") -> Attendee:
    return replace(listed(name=name), columns=columns("Name", "Email", "Room"), cells=(name, "ana@example.org", room))


def test_a_field_is_corrected_sent_again_and_remembered() -> None:
    book = told(with_room("4"))
    plan = make_resend(EVENT, {}, book.people, ["ana@example.org"], amendment=Amendment(cells={"room": "5"}))
    (again,) = plan.to_send
    assert (again.action, again.sequence, again.round) == ("invite", 0, 1)
    assert again.attendee.cell("Room") == "5"
    book.carry_out(plan)
    assert send(book, with_room("4"), event=LATER).to_send[0].attendee.cell("Room") == "5"
    assert send(book, with_room("6"), event=LATER).to_send[0].attendee.cell("Room") == "6"


def test_a_corrected_name_is_the_name() -> None:
    book = told(with_room("4", "Anna Ruis"))
    plan = make_resend(EVENT, {}, book.people, ["ana@example.org"], amendment=Amendment(cells={"Name": "Ana Ruiz"}))
    assert plan.to_send[0].attendee.name == "Ana Ruiz"


def test_a_column_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="no column “Rom”") as refused:
        make_resend(
            EVENT, {}, told(with_room("4")).people, ["ana@example.org"], amendment=Amendment(cells={"Rom": "5"})
        )
    assert refused.value.hint == "Did you mean “Room”?"


def test_the_address_is_no_field() -> None:
    with pytest.raises(UsageError, match="--to"):
        make_resend(
            EVENT, {}, told(with_room("4")).people, ["ana@example.org"], amendment=Amendment(cells={"Email": NEW})
        )


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_who_is_cancelled_by_name_is_left_out_until_invited_by_name() -> None:
    book = told()
    plan = cancel(book, "ana@example.org")
    assert sent(plan) == [("cancel", "ana@example.org", 1)]
    book.carry_out(plan)
    for event in (EVENT, LATER):
        assert of(send(book, event=event), "ana@example.org").kind == "cancelled"
    (anew,) = make_resend(LATER, {}, book.people, ["ana@example.org"]).actions
    assert (anew.action, anew.sequence) == ("invite", 0)
    assert anew.uid not in {message.uid for message in book.people[ANA.key].messages}
    book.put([anew])
    assert of(send(book, event=LATER), "ana@example.org").kind == "held"


@pytest.mark.parametrize("outcome", ["refused", "deferred", "unsent"])
def test_who_never_had_it_is_sent_no_cancellation_and_is_left_out_all_the_same(outcome: Outcome) -> None:
    book = told(outcome=outcome)
    plan = cancel(book, "ana@example.org")
    assert sent(plan) == []
    book.carry_out(plan)
    assert [action.attendee.address for action in send(book, event=LATER).to_send] == ["bo@example.org"]
    assert [action.action for action in make_resend(LATER, {}, book.people, ["ana@example.org"]).actions] == ["invite"]


def test_who_may_have_it_is_sent_one() -> None:
    assert sent(cancel(told(outcome="unknown"), "ana@example.org")) == [("cancel", "ana@example.org", 1)]


def test_a_cancellation_goes_to_where_the_invitation_went() -> None:
    book = told()
    book.carry_out(correct(book))
    assert sent(cancel(book, NEW)) == [("cancel", NEW, 1)]


@pytest.mark.parametrize("outcome", ["deferred", "unsent"])
@pytest.mark.parametrize("rows", [(ANA, BO), (BO,), (replace(ANA, withdrawn="cancelled"), BO)])
def test_a_cancellation_that_is_due_again_is_sent_whatever_the_list_says(
    outcome: Outcome, rows: tuple[Attendee, ...]
) -> None:
    book = told()
    book.carry_out(cancel(book, "ana@example.org"), outcome)
    assert sent(send(book, *rows)) == [("cancel", "ana@example.org", 1)]


def test_one_that_is_unknown_is_sent_again_only_by_name() -> None:
    book = told()
    book.carry_out(cancel(book, "ana@example.org"), "unknown")
    assert sent(send(book)) == []
    (again,) = cancel(book, "ana@example.org").to_send
    assert (again.action, again.sequence, again.round) == ("cancel", 1, 1)


@pytest.mark.parametrize("outcome", ["unknown", "refused"])
def test_cancelling_everybody_once_more_sends_no_doubtful_cancellation_again(outcome: Outcome) -> None:
    book = told()
    book.carry_out(cancel(book), outcome)
    again = cancel(book)
    assert sent(again) == [] and all("`cancel ADDRESS` sends it again" in action.reason for action in again.actions)
    assert [kind for kind, _, _ in sent(cancel(book, "ana@example.org"))] == ["cancel"]


def test_whoever_is_sent_a_cancellation_is_counted_once() -> None:
    for plan in (cancel(told(), "ana@example.org"), cancel(told())):
        book = told()
        book.carry_out(plan, "deferred")
        assert sum(send(book).counts.values()) == 2


def test_who_was_cancelled_by_name_is_told_so_after_all_were() -> None:
    book = told()
    book.carry_out(cancel(book, "ana@example.org"))
    book.carry_out(cancel(book))
    assert "by name" in of(send(book), "ana@example.org").reason


def test_who_was_cancelled_is_not_cancelled_twice() -> None:
    book = told()
    book.carry_out(cancel(book, "ana@example.org"))
    assert sent(cancel(book, "ana@example.org")) == [] and sent(cancel(book)) == [("cancel", "bo@example.org", 1)]


def test_after_everybody_was_cancelled_nothing_is_planned_until_the_event_changes() -> None:
    book = told()
    book.carry_out(cancel(book, "bo@example.org"))
    book.carry_out(cancel(book))
    cai = listed("cai@example.org", line=4)
    plan = send(book, ANA, BO, cai)
    assert sent(plan) == [] and {action.kind for action in plan.actions} == {"cancelled"}
    anew = send(book, ANA, BO, cai, event=LATER)
    assert sent(anew) == [("invite", "ana@example.org", 0), ("invite", "cai@example.org", 0)]
    assert anew.to_send[0].generation == 1


def test_what_nobody_was_sent_cannot_be_cancelled_by_name() -> None:
    with pytest.raises(InputError, match="Nothing was ever sent") as refused:
        cancel(told(), "anna@example.org")
    assert refused.value.hint == "Did you mean ana@example.org?"


def test_a_cancellation_takes_back_what_they_hold_and_not_what_holds_now() -> None:
    (action,) = cancel(told(ANA), "ana@example.org", event=LATER).to_send
    assert action.facts is not None and action.facts["when"] == EVENT.when


def test_two_who_share_an_address_are_named_by_their_ids() -> None:
    book = told(listed("both@example.org", key="1"), listed("both@example.org", key="2", name="Bo Li"))
    with pytest.raises(InputError, match="several people") as refused:
        cancel(book, "both@example.org")
    assert "1" in (refused.value.hint or "")
    assert [action.attendee.key for action in cancel(book, "2").to_send] == ["2"]


# --- a cancellation of which nobody knows whether it arrived ----------------------------------------------------------


def fail_one(book: Book, plan: Plan, outcome: Outcome) -> None:
    """Carries a plan out; its cancellations end so, all else is accepted."""
    book.carry_out(plan, "unsent")
    for action in plan.to_send:
        book.put([action], outcome if action.action == "cancel" else "accepted", "no such user")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("unknown", "not known whether the cancellation to ana@example.org"), ("refused", "was refused: no such user")],
)
def test_what_may_be_left_at_an_old_address_is_told_and_taken_back_by_name(outcome: Outcome, words: str) -> None:
    book = told()
    fail_one(book, correct(book), outcome)
    plan = send(book)
    assert sent(plan) == [] and words in of(plan, NEW).reason and of(plan, NEW).kind == outcome
    again = make_resend(EVENT, {}, book.people, [NEW])
    assert sent(again) == [("cancel", "ana@example.org", 1), ("invite", NEW, 0)]
    book.carry_out(again)
    assert of(send(book), NEW).kind == "held"


@pytest.mark.parametrize("outcome", ["unknown", "refused", "deferred", "unsent"])
def test_who_is_invited_anew_is_first_sent_the_cancellation_that_may_not_have_arrived(outcome: Outcome) -> None:
    book = told()
    fail_one(book, cancel(book, "ana@example.org"), outcome)
    anew = make_resend(EVENT, {}, book.people, ["ana@example.org"])
    assert sent(anew) == [("cancel", "ana@example.org", 1), ("invite", "ana@example.org", 0)]
    assert anew.actions[0].uid != anew.actions[1].uid


@pytest.mark.parametrize("outcome", ["unknown", "refused"])
def test_who_was_cancelled_and_may_still_hold_it_is_told(outcome: Outcome) -> None:
    book = told()
    fail_one(book, cancel(book, "ana@example.org"), outcome)
    for rows in ((ANA, BO), (BO,), (replace(ANA, withdrawn="cancelled"), BO)):
        assert "`cancel` sends it again" in of(send(book, *rows), "ana@example.org").reason
    book.carry_out(cancel(book, "ana@example.org"))
    assert "sends it again" not in of(send(book), "ana@example.org").reason


def test_who_refused_the_cancellation_of_everybody_holds_the_old_entry_and_is_updated_when_the_event_changes() -> None:
    book = told()
    fail_one(book, cancel(book), "refused")
    assert "was refused" in of(send(book), "ana@example.org").reason
    plan = send(book, event=LATER)
    assert sent(plan) == [("update", "ana@example.org", 2), ("update", "bo@example.org", 2)]


def test_a_cancellation_that_was_put_off_is_sent_before_the_invitation_to_the_changed_event() -> None:
    book = told(ANA)
    fail_one(book, cancel(book), "deferred")
    plan = send(book, ANA, event=LATER)
    assert sent(plan) == [("cancel", "ana@example.org", 1), ("invite", "ana@example.org", 0)]


def test_a_second_cancellation_takes_over_the_one_that_was_put_off() -> None:
    book = told()
    fail_one(book, cancel(book, "ana@example.org"), "deferred")
    assert sent(cancel(book, "ana@example.org")) == [("cancel", "ana@example.org", 1)]
    assert sent(correct(book)) == [("cancel", "ana@example.org", 1), ("invite", NEW, 0)]


# --- after everybody was cancelled ------------------------------------------------------------------------------------


def test_who_is_invited_by_name_after_everybody_was_cancelled_holds_it_and_wakes_nobody_else() -> None:
    book = told()
    book.carry_out(cancel(book))
    book.carry_out(make_resend(EVENT, {}, book.people, ["ana@example.org"]))
    plan = send(book)
    assert sent(plan) == [] and of(plan, "ana@example.org").kind == "held"
    assert of(plan, "bo@example.org").kind == "cancelled"
    assert not plan.decisions.resumed and send(book, event=LATER).decisions.resumed


def test_who_is_invited_by_name_after_everybody_was_cancelled_may_be_unknown() -> None:
    book = told()
    book.carry_out(cancel(book))
    book.carry_out(make_resend(EVENT, {}, book.people, ["ana@example.org"]), "unknown")
    assert of(send(book), "ana@example.org").kind == "unknown"


# --- who is who -------------------------------------------------------------------------------------------------------


def test_a_resend_to_somebody_whose_address_has_changed_in_the_list_takes_the_old_entry_back() -> None:
    ana = listed(key="1")
    book = told(ana)
    moved = replace(ana, address=NEW)
    plan = make_resend(EVENT, {"1": moved}, book.people, ["ana@example.org"])
    assert sent(plan) == [("cancel", "ana@example.org", 1), ("invite", NEW, 0)]


def test_two_at_one_address_without_ids_are_told_apart_by_the_uids_of_their_entries() -> None:
    book = told(ANA)
    book.people["7"] = told(listed(key="7", name="Bo Li")).people["7"]
    with pytest.raises(InputError, match="several people") as refused:
        cancel(book, "ana@example.org")
    uid = book.people[ANA.key].messages[0].uid
    assert uid in refused.value.message and "7" in refused.value.message
    assert [action.uid for action in cancel(book, uid).to_send] == [uid]


@pytest.mark.parametrize("address", ["ana@example.org", NEW])
def test_a_corrected_person_is_known_in_a_list_that_has_ids_now_and_in_one_that_has_none_any_more(address: str) -> None:
    book = told()
    book.carry_out(correct(book))
    with_id = send(book, listed(address, key="7"), BO)
    assert sent(with_id) == [] and of(with_id, NEW).kind == "held" and len(with_id.actions) == 2
    book = told(listed(key="7"), BO)
    book.carry_out(correct(book))
    without = send(book, listed(address), BO)
    assert sent(without) == [] and of(without, NEW).kind == "held" and len(without.actions) == 2


@pytest.mark.parametrize("outcome", ["unknown", "refused"])
def test_who_left_the_list_is_told_with_what_may_be_left_at_their_old_address(outcome: Outcome) -> None:
    book = told()
    fail_one(book, correct(book), outcome)
    reason = of(send(book, BO), NEW).reason
    assert "no longer on the list" in reason and "the cancellation to ana@example.org" in reason
    assert sent(cancel(book, NEW)) == [("cancel", "ana@example.org", 1), ("cancel", NEW, 1)]


def test_a_row_with_the_address_that_somebody_elses_was_corrected_to_is_an_error() -> None:
    ana, bo = listed(key="1"), listed("bo@example.org", key="2", name="Bo Li", line=3)
    book = told(ana, bo)
    book.carry_out(correct(book))
    assert list(clashes([ana, bo], book.people)) == []
    (problem,) = clashes([ana, replace(bo, address=NEW)], book.people)
    assert (problem.code, problem.line, problem.value) == ("duplicate-attendee", 3, NEW)
    assert "Ana Ruiz" in problem.message


# --- wording ----------------------------------------------------------------------------------------------------------


def test_changed_wording_is_reported_and_sends_nothing() -> None:
    book = Book()
    book.carry_out(make(EVENT, [ANA], {}, wordings={"invite": "one", "update": "one"}))
    plan = send(book, ANA, wordings={"invite": "two", "update": "one"})
    assert sent(plan) == [] and "wording has changed" in plan.actions[0].reason
    assert "wording" not in send(book, ANA, wordings={"invite": "one", "update": "two"}).actions[0].reason


# --- what another program sent ----------------------------------------------------------------------------------------


def foreign(book: Book, organizer: str = EVENT.organizer.email) -> Book:
    """The same people, who hold one entry that another program sent to all of them."""
    for key, person in book.people.items():
        facts = {**person.messages[0].facts, "foreign": "1", "organizer": organizer}
        held = replace(person.messages[0], uid="040000008200E00074C5B7101A82E008", sequence=2, facts=facts)
        book.people[key] = replace(person, messages=(held,))
    return book


def test_everybodys_old_entry_is_taken_back_and_a_new_one_sent() -> None:
    book = foreign(told())
    without_link = changed(EVENT, join_url="")
    assert sent(send(book, event=without_link)) == [], "the event is the one that they hold, and its link is dead"
    plan = send(book, event=LATER)
    assert [action.action for action in plan.actions] == ["cancel", "invite", "cancel", "invite"]
    assert [action.sequence for action in plan.actions] == [3, 0, 3, 0]
    assert len({action.uid for action in plan.actions}) == 3
    book.carry_out(cancel(book))
    assert sent(send(book, event=without_link)) == []
    assert sent(send(book, event=LATER)) == [("invite", "ana@example.org", 0), ("invite", "bo@example.org", 0)]


def test_an_entry_of_another_organizer_cannot_be_taken_back() -> None:
    plan = cancel(foreign(told(), "other@elsewhere.example"))
    assert sent(plan) == [] and "only other@elsewhere.example can take it back" in plan.actions[0].reason


def test_it_is_never_sent_again_as_it_was() -> None:
    plan = make_resend(EVENT, {}, foreign(told(ANA)).people, ["ana@example.org"])
    assert [action.action for action in plan.actions] == ["cancel", "invite"]

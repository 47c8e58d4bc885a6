"""A story of an organiser who edits, sends, corrects and cancels while servers refuse and machines die.

What must hold at every step is asserted where something is sent; `settle` lets the organiser do what the plan tells
them to do, on a day on which nothing fails, and then looks into everybody's calendar.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.simulation.calendars import Item
from tests.simulation.offices import FATES, Facts, Fate, Office, Row
from tui.address import key_of
from tui.errors import InputError
from tui.plan import Action, Amendment, Plan

ADDRESSES = tuple(f"{name}@example.org" for name in "abcdef")
START = datetime(2031, 5, 6, 14)
_PEOPLE = 3

some_fates = st.lists(st.sampled_from([*FATES, "taken", "taken"]), max_size=5)
humans = st.integers(0, _PEOPLE - 1)
numbers = st.integers(0, 7)


class Organising(RuleBasedStateMachine):
    """`new_office` makes what the steps are carried out by."""

    new_office: Callable[[], Office]

    @initialize(ids=st.booleans())
    def begin(self, ids: bool) -> None:
        self.office = type(self).new_office()
        self.facts = Facts(START)
        self.rows = [Row(human, f"Guest {'ABC'[human]}", ADDRESSES[human]) for human in range(_PEOPLE)]
        self.ids = ids
        self.older: list[tuple[list[Row], bool]] = []
        # (address, uid, sequence, method): what has arrived, and how often it was asked for by name since.
        self.seen: set[tuple[str, str, int, str]] = set()
        self.asked: Counter[tuple[str, str, int, str]] = Counter()
        self.stamps: dict[tuple[str, str, int], datetime] = {}
        self.corrected: dict[str, set[str]] = {}
        self.was_cancelled: set[str] = set()
        self.is_over = False
        self.asked_back: set[str] = set()
        """Who was invited by name since everybody was cancelled."""
        self._save()

    # --- the event and the list ---------------------------------------------------------------------------------------

    @rule(what=st.sampled_from(["time", "place", "link", "title", "wording", "back"]), number=numbers)
    def edit_the_event(self, what: str, number: int) -> None:
        facts = self.facts
        match what:
            case "time":
                facts = replace(facts, start=START + timedelta(hours=number))
            case "place":
                facts = replace(facts, location=f"Room {number}")
            case "link":
                facts = replace(facts, link=f"https://meet.example/{number}")
            case "title":
                facts = replace(facts, title=f"Consultation {number}")
            case "wording":
                facts = replace(facts, wording=number)
            case _:
                facts = Facts(START)
        self.facts = facts
        self._save()

    @rule(number=numbers, at=st.integers(0, len(ADDRESSES) - 1))
    def edit_an_address(self, number: int, at: int) -> None:
        if self.rows:
            row = self.rows[number % len(self.rows)]
            self._replace_rows([replace(r, address=ADDRESSES[at]) if r is row else r for r in self.rows])

    @rule(number=numbers)
    def swap_two_addresses(self, number: int) -> None:
        if len(self.rows) > 1:
            one, other = self.rows[number % len(self.rows)], self.rows[(number + 1) % len(self.rows)]
            addresses = {one.human: other.address, other.human: one.address}
            self._replace_rows([replace(r, address=addresses.get(r.human, r.address)) for r in self.rows])

    @rule(number=numbers, status=st.sampled_from(["cancelled", "", ""]))
    def edit_a_status(self, number: int, status: str) -> None:
        if self.rows:
            row = self.rows[number % len(self.rows)]
            self._replace_rows([replace(r, status=status) if r is row else r for r in self.rows])

    @rule(number=numbers, name=st.sampled_from(["Guest X", "Guest Y"]))
    def edit_a_name(self, number: int, name: str) -> None:
        if self.rows:
            row = self.rows[number % len(self.rows)]
            self._replace_rows([replace(r, name=name) if r is row else r for r in self.rows])

    @rule(human=humans)
    def take_a_row_out(self, human: int) -> None:
        if len(self.rows) > 1:
            self._replace_rows([row for row in self.rows if row.human != human])

    @rule(human=humans, at=st.integers(0, len(ADDRESSES) - 1))
    def put_a_row_in(self, human: int, at: int) -> None:
        if human not in {row.human for row in self.rows}:
            self._replace_rows([*self.rows, Row(human, f"Guest {'ABC'[human]}", ADDRESSES[at])])

    @rule()
    def add_or_remove_the_id_column(self) -> None:
        self._take(self.rows, not self.ids)

    @rule(number=numbers)
    def go_back_to_an_older_list(self, number: int) -> None:
        if self.older:
            self._take(*self.older[number % len(self.older)])

    def _replace_rows(self, rows: Sequence[Row]) -> None:
        if len({row.address for row in rows}) == len(rows) and list(rows) != self.rows:  # `check` refuses two alike
            self.older.append((self.rows, self.ids))
            self._take(list(rows), self.ids)

    def _take(self, rows: list[Row], ids: bool) -> None:
        """Another list, unless `check` refuses it."""
        before = self.rows, self.ids
        self.rows, self.ids = rows, ids
        self._save()
        if self.office.is_refused():
            self.rows, self.ids = before
            self._save()

    def _save(self) -> None:
        self.office.put(self.facts, self.rows, ids=self.ids)

    # --- what is sent -------------------------------------------------------------------------------------------------

    @rule(fates=some_fates)
    def send(self, fates: list[Fate]) -> None:
        self._carry_out(self.office.plan(), fates, "send")

    @rule(number=numbers, fates=some_fates)
    def send_to_one(self, number: int, fates: list[Fate]) -> None:
        plan = self.office.plan()
        if plan.to_send:
            chosen = plan.to_send[number % len(plan.to_send)].attendee.address
            self._carry_out(plan.only([chosen]), fates, "send")

    @rule(number=numbers, fates=some_fates)
    def resend(self, number: int, fates: list[Fate]) -> None:
        if who := self._somebody(number):
            self._by_name("resend", who, fates)

    @rule(number=numbers, at=st.integers(0, len(ADDRESSES) - 1), fates=some_fates)
    def correct_an_address(self, number: int, at: int, fates: list[Fate]) -> None:
        if who := self._somebody(number):
            self._by_name("resend", who, fates, Amendment(ADDRESSES[at]))

    @rule(number=numbers, room=st.sampled_from("234"), fates=some_fates)
    def correct_a_field(self, number: int, room: str, fates: list[Fate]) -> None:
        if who := self._somebody(number):
            self._by_name("resend", who, fates, Amendment(cells={"Room": room}))

    @rule(number=numbers, fates=some_fates)
    def cancel(self, number: int, fates: list[Fate]) -> None:
        if who := self._somebody(number):
            self._by_name("cancel", who, fates)

    @rule(fates=some_fates)
    def cancel_everybody(self, fates: list[Fate]) -> None:
        self._carry_out(self.office.cancel(None), fates, "cancel")
        self.is_over = True
        self.asked_back.clear()

    def _somebody(self, number: int) -> str:
        people = list(self.office.people().values())
        return self._name_of(people[number % len(people)].key, people[number % len(people)].address) if people else ""

    def _name_of(self, key: str, address: str) -> str:
        """How the organiser names a person: by the address, or by the id where several have it."""
        people = self.office.people()
        several = sum(key_of(person.address) == key_of(address) for person in people.values()) > 1
        is_told_apart = several and key in people
        return address if not is_told_apart else key if "@" not in key else people[key].messages[-1].uid

    def _by_name(self, command: str, who: str, fates: Sequence[Fate], amendment: Amendment | None = None) -> bool:
        """False where the program refuses, in words."""
        self.refusal = ""
        try:
            plan = self.office.cancel(who) if command == "cancel" else self.office.resend(who, amendment)
        except InputError as refused:
            self.refusal = f"{refused.code}: {refused.message} {refused.hint}"
            return False
        for one in plan.decisions.corrections:
            if not one.header:
                self.corrected.setdefault(key_of(one.before), set()).add(key_of(one.after))
        if command == "cancel":
            self.was_cancelled |= {key for key, _, _ in plan.decisions.cancelled}
            self.asked_back -= {action.attendee.key for action in plan.actions}
        else:
            self.asked_back |= {action.attendee.key for action in plan.to_send if action.action != "cancel"}
        self._carry_out(plan, fates, command)
        return True

    def _carry_out(self, plan: Plan, fates: Sequence[Fate], command: str) -> None:
        self._judge_plan(plan, command)
        for address, item in self.office.carry_out(plan, fates, command):
            self._judge_arrival(address, item)

    def _judge_plan(self, plan: Plan, command: str) -> None:
        versions = [(one.attendee.key, one.uid, one.sequence, one.round) for one in plan.to_send]
        assert len(set(versions)) == len(versions), "one message twice in one plan"
        assert all(action.reason for action in plan.actions)
        if command != "send":
            methods = {"cancel": "CANCEL", "invite": "REQUEST", "update": "REQUEST"}
            for one in plan.to_send:
                self.asked[key_of(one.attendee.address), one.uid, one.sequence, methods[one.action]] += 1

    def _judge_arrival(self, address: str, item: Item) -> None:
        version = (key_of(address), item.uid, item.sequence, item.method)
        assert version not in self.seen or self.asked[version], f"sent again, and nobody asked: {version}"
        self.asked[version] -= self.asked[version] > 0
        self.seen.add(version)
        assert item.attendees == (address,), "the calendar object names somebody else"
        # Of two equal versions the later stamp wins: one that is not later would be ignored.
        before = self.stamps.get(version[:3])
        assert before is None or item.stamp > before, "a repeated version has a later DTSTAMP"
        self.stamps[version[:3]] = item.stamp

    # --- the end ------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        if hasattr(self, "office"):
            self.settle()

    @rule()
    def settle(self) -> None:
        """The organiser does what the plan tells them; then every calendar is as it should be."""
        for _ in range(6):
            self._carry_out(self.office.plan(), (), "send")
            plan = self.office.plan()
            assert not plan.to_send, f"still due after a send without a fault: {plan.to_send[0]}"
            if not [None for action in plan.actions if self._does_as_told(action)]:
                self._judge_calendars(plan)
                return
        raise AssertionError("the plan is never content")

    def _does_as_told(self, action: Action) -> bool:
        # Whose address has changed in the list is named by the one that the ledger knows.
        known = self.office.people().get(action.attendee.key)
        who = self._name_of(action.attendee.key, known.address if known else action.attendee.address)
        if told := re.search("`(cancel|resend)` (?:sends it again|decides|if the server)", action.reason):
            command = told[1]
        elif action.kind in ("unknown", "refused"):
            command = "resend"
        elif "only a cancellation takes back" in action.reason or "a cancellation is owed" in action.reason:
            command = "cancel"
        else:
            return False
        assert self._by_name(command, who, ()), f"{action.reason}: {self.refusal}"
        return True

    def _judge_calendars(self, plan: Plan) -> None:
        facts, expected = self.facts, set[tuple[str, str]]()
        for action in plan.actions:
            address = key_of(action.attendee.address)
            assert action.kind in ("held", "cancelled", "removed", "withdrawn"), action
            if action.kind == "cancelled":
                assert self.is_over or action.attendee.key in self.was_cancelled, f"{address} was never cancelled"
                assert action.attendee.key not in self.asked_back, f"{address} was asked back, and is forgotten"
            if action.kind == "held" and action.uid:
                expected.add((address, action.uid))
                item = self.office.calendars.shown(address).get(action.uid)
                assert item is not None, f"{address} holds nothing, and the plan says: {action.reason}"
                assert facts.is_told_by(item), f"{address} holds another event: {item}"
        shown = [(address, item.uid) for address, item in self.office.calendars.everybody()]
        assert set(shown) == expected, f"left over: {set(shown) - expected}"
        assert len({address for address, _ in shown}) == len(shown), f"two entries in one calendar: {shown}"
        self._judge_rows(plan)

    def _judge_rows(self, plan: Plan) -> None:
        """Everybody on the list stands in the plan, at the address of their row or at one that it was corrected to."""
        listed = {action.attendee.line: action for action in plan.actions if action.line}
        for line, row in enumerate(self.rows, 2):
            action = listed[line]
            address = key_of(action.attendee.address)
            assert address == row.address or self._leads(row.address, address), (row, action)
            is_twice = "the same person as in another row" in action.reason
            assert is_twice or (action.kind == "withdrawn") == bool(row.status), (row, action)

    def _leads(self, address: str, to: str) -> bool:
        reached, fresh = set[str](), {address}
        while fresh:
            reached |= fresh
            fresh = {after for before in fresh for after in self.corrected.get(before, ())} - reached
        return to in reached

"""When a run must not go on by itself: what the server's last answers have in common. Pure; one for each run.

Everything here is about what the next messages would meet. A message that was refused or is unknown stays so, and each
of them costs the organiser a decision, or the sender's good name with the receiving servers; so a run ends early rather
than find out a thousand times. To go on is to run the same command again: that begins with nothing held against it.
"""

from collections import deque
from dataclasses import dataclass

from tui.delivery.faults import Fault, Receipt

ALIKE = 3
"""So many messages, refused for what they are with none taken in between, and the rest is not tried."""

WINDOW = 50
"""Messages that were taken or refused last, of which the share of refused ones is taken."""

REFUSED = 10
"""So many of them, at least, must have been refused: a short list with some dead addresses is nothing unusual."""

SHARE = 0.4
"""Of the window. Lists that are looked after have 0 to 5 in a hundred dead addresses."""

PUT_OFF = 10
"""So many messages put off, with none taken in between, and no new ones are tried before one of those has been."""

LOST = 5
"""So many conversations lost, with no message taken in between, and beyond what one failure of the network explains."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run ends here: `code` for scripts, and for the organiser what is the matter and what to do."""

    code: str
    message: str
    hint: str


class Brakes:
    """Is told of every try's result, in the order in which they come; not thread-safe.

    `connections` are those of the run: when the network fails, each of them loses a message at once.
    """

    def __init__(self, connections: int = 1) -> None:
        self._most_lost = LOST + connections - 1
        self._refused: deque[Fault | None] = deque(maxlen=WINDOW)
        self._alike = self._put_off = self._unknown = self._given_up = 0
        self._is_greylisting = False
        self.is_probing = False
        """Whether only messages are to be tried that have been put off before."""

    def judge(self, result: Receipt | Fault, attempt: int, *, is_final: bool) -> Stop | None:
        """Why the run is to end after this result of a message's try number `attempt`; None where it may go on.

        `is_final`: the run does not try this message again.
        """
        if isinstance(result, Receipt):
            # A server that takes what it has put off before does so with everybody whom it does not know yet.
            self._is_greylisting |= attempt > 1
            self._alike = self._put_off = self._unknown = self._given_up = 0
            self.is_probing = False
            self._refused.append(None)
            return None
        match result.outcome:
            case "refused":
                return self._after_refusal(result)
            case "deferred":
                return self._after_deferral(result, attempt, is_final=is_final)
            case "unknown":
                self._unknown += 1
                return _lost_after(result) if self._unknown >= self._most_lost else None
            case _:
                self._given_up += is_final
                return _lost_before(result) if self._given_up >= self._most_lost else None

    def _after_refusal(self, fault: Fault) -> Stop | None:
        self._refused.append(fault)
        # At RCPT it may be the policy of the recipient's server, who is somebody else each time.
        if fault.alike and fault.stage != "rcpt":
            self._alike += 1
            if self._alike >= ALIKE:
                return _alike(fault)
        refused = [one for one in self._refused if one is not None]
        if len(refused) < REFUSED or len(refused) < SHARE * len(self._refused):
            return None
        at_rcpt = sum(one.stage == "rcpt" for one in refused)
        return _too_often(fault, len(refused), len(self._refused), are_addresses=2 * at_rcpt > len(refused))

    def _after_deferral(self, fault: Fault, attempt: int, *, is_final: bool) -> Stop | None:
        if fault.pause:
            return None  # the account waits, or the run ends: that is said already
        # Greylisting puts off each first try, and is no reason to wait for.
        self._put_off += attempt > 1 or not self._is_greylisting
        self.is_probing |= self._put_off >= PUT_OFF
        return _all_put_off(fault, self._put_off) if self.is_probing and is_final else None


_AGAIN = "run the same command again: it goes on with the rest, and leaves who was refused"


def _alike(fault: Fault) -> Stop:
    return Stop(
        "refused-alike",
        f"The mail server refuses the messages for what they are, so it goes no further: {fault.reply}",
        "Correct the wording, the attachments or the account; the rest is still to send.",
    )


def _too_often(fault: Fault, refused: int, count: int, *, are_addresses: bool) -> Stop:
    if are_addresses:
        return Stop(
            "refused-often",
            f"{refused} of the last {count} messages were refused at their addresses, so it goes no further: who "
            f"writes to many dead addresses is soon taken for a spammer. The last one: {fault.reply}",
            f"Is it the right list, and is it still good? `invite-tui status` says who was refused. Then {_AGAIN}.",
        )
    return Stop(
        "refused-often",
        f"{refused} of the last {count} messages were refused, so it goes no further. The last one: {fault.reply}",
        f"`invite-tui status` has the server's words for each. When it is mended, {_AGAIN}.",
    )


def _all_put_off(fault: Fault, times: int) -> Stop:
    return Stop(
        "deferred-alike",
        f"The mail server puts everything off ({times} times since it took a message), so it goes no further: "
        f"{fault.reply}",
        "Run the same command again later: what was put off and the rest are still to send.",
    )


def _lost_after(fault: Fault) -> Stop:
    return Stop(
        "unknown-alike",
        f"Again and again the connection is lost after a whole message has gone out, and nobody can tell whether it "
        f"has arrived; so it goes no further: {fault.reply}",
        "Check the network, and a firewall or virus scanner on the way to the mail server. The rest is still to send; "
        "`invite-tui status` lists those whose message is unknown, and `invite-tui resend ADDRESS` decides it.",
    )


def _lost_before(fault: Fault) -> Stop:
    return Stop(
        "lost-alike",
        f"Again and again the connection is lost before a message has gone out, so it goes no further: {fault.reply}",
        "Check the network, and a firewall or virus scanner on the way to the mail server; everything that was not "
        "sent is still to send.",
    )

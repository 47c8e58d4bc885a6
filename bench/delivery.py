"""Sending beside Postfix's own smtp-source, nodemailer and the usual Python way, all into Postfix's smtp-sink.

Everything that a send does to a message is measured: composing, the guard, the ledger on the disk, SMTP; `prepare`
(everything composed and cleared once before a connection is opened) apart. Making an empty ledger is not. Then round
trips: what a message costs where each reply takes 20 and 100 ms, counted and timed in between. Then processor time and
memory for more and more attendees.

`bench/delivery.py` takes two or three minutes; with --full it is 20,000 attendees three times, and up to 200,000 (eight
minutes where nothing else runs); with --flat nothing but the last part, up to 200,000 (four minutes). Read ratios:
smtp-source sends one constant message of the same size over 20 sessions, composes nothing and records nothing.
Goals: half of smtp-source, 8 times nodemailer, 15 times the usual way; 1.1 round trips; 0.25 s of processor time for
1,000 messages; flat within a tenth; 60 MB more for 200,000 attendees than for 2,000.
"""

import asyncio
import collections
import csv
import json
import random
import resource
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.attendees import clean
from bench.compose import Plainly, revision
from tui import data

ROOT = Path(__file__).parents[1]
PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
COLUMNS = ("Name", "Email", "Audience", "Company", "Role", "T shirt", "Town", "Note")

# In a process of its own, so that time and memory are its alone. What `start` gives is the message's size.
NODEMAILER = """
const [mailer, port, count, size] = process.argv.slice(1);
const transport = (await import(mailer)).default.createTransport(
  {host: "127.0.0.1", port: +port, pool: true, maxConnections: 20, maxMessages: Infinity, ignoreTLS: true});
const html = "<p>hello</p>\\n".repeat(size / 3 / 13), text = "hello\\n".repeat(size / 6 / 6);
const began = performance.now();
const sent = [];
for (let i = 0; i < count; i++) sent.push(transport.sendMail({
  from: "consultations@department.example", to: `p${i}@example.org`, subject: "Invitation", text, html,
  icalEvent: {method: "REQUEST", content: `BEGIN:VCALENDAR\\r\\nUID:${i}\\r\\nEND:VCALENDAR\\r\\n`}}));
await Promise.all(sent);
console.log((performance.now() - began) / 1000);
transport.close();
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(200):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("a server did not start")


@contextmanager
def sink() -> Iterator[int]:
    """smtp-sink, which takes everything and keeps nothing."""
    port = free_port()
    program = shutil.which("smtp-sink", path=PATH) or "smtp-sink"
    process = subprocess.Popen([program, "-u", "nobody", f"127.0.0.1:{port}", "1000"], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def distant(target: int, seconds: float) -> Iterator[tuple[int, Callable[[], int]]]:
    """A way to `target` on which a reply takes so many seconds; and how often a client has waited for one so far."""
    port = free_port()
    words = [sys.executable, __file__, "--relay", str(port), str(target), str(seconds)]
    process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def turns() -> int:
        assert process.stdin and process.stdout
        print("turns?", file=process.stdin, flush=True)
        return int(process.stdout.readline())

    try:
        wait_for(port)
        yield port, turns
    finally:
        process.terminate()
        process.communicate()


async def relay(port: int, target: int, seconds: float) -> None:
    """Passes bytes on, in each direction half of `seconds` later, and counts the turns of the conversations."""
    loop = asyncio.get_running_loop()
    turns = 0

    async def serve(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", target)
        is_servers_turn = False

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_client: bool) -> None:
            nonlocal turns, is_servers_turn
            while some := await source.read(1 << 16):
                turns += is_client and not is_servers_turn
                is_servers_turn = is_client
                loop.call_later(seconds / 2, sink.write, some)
            loop.call_later(seconds / 2, sink.close)

        await asyncio.gather(pump(client, to_server, is_client=True), pump(server, to_client, is_client=False))

    async with await asyncio.start_server(serve, "127.0.0.1", port):
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(turns, flush=True)


def send(count: int, connections: int, port: int, *, is_anew: bool = False) -> dict[str, Any]:
    """One send to so many, by a process of its own: seconds, processor seconds, megabytes at its greatest. `is_anew`:
    what the check of a short list has judged is judged once more, as it is of a long one."""
    words = [sys.executable, __file__, "--send", str(count), str(connections), str(port), str(int(is_anew))]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["accepted"] == count, found
    return found


def sending(count: int, connections: int, port: int, is_anew: int) -> dict[str, Any]:
    """What the process of `send` does."""
    from tui import checking, ledger, mailing
    from tui.folder import Choices, Folder

    for module in ("tui.invitation", "tui.delivery.connection"):
        import_module(module)  # the program's start is no message's cost
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(data.samples() / "event.toml", folder)
        some, file = random.Random(1), Path(folder) / "attendees.csv"
        with file.open("w", newline="", encoding="utf-8") as rows:
            csv.writer(rows).writerow(COLUMNS)
            csv.writer(rows).writerows(clean(number, some) for number in range(count))  # or the list would be measured
        environment = {"HOST": "127.0.0.1", "PORT": str(port), "SECURITY": "none", "CONNECTIONS": str(connections)}
        opened = Folder(
            Choices(files=(str(file),)), {f"INVITE_TUI_SMTP_{name}": value for name, value in environment.items()}
        )
        plan = opened.plan()
        if is_anew and count <= checking.EVERYBODY:
            opened.prepare(plan)  # under what the check has made them; the next time is another one
        outcomes: collections.Counter[str] = collections.Counter()
        with ledger.open_for_run(opened.ledger_path) as recorded:
            clock, processor = [time.perf_counter()], [time.process_time()]
            made = opened.prepare(plan)
            clock.append(time.perf_counter())
            processor.append(time.process_time())
            for step in mailing.send(
                made,
                recorded,
                opened.connection,
                command="send",
                account="env",
                pacing=opened.pacing(),
                control=mailing.Control(),
            ):
                if isinstance(step, mailing.Settled):
                    outcomes[step.outcome] += 1
            clock.append(time.perf_counter())
            processor.append(time.process_time())
        letter = made.clear(made.letters[0]).raw
    return {
        "prepare": clock[1] - clock[0],
        "send": clock[2] - clock[1],
        "prepare cpu": processor[1] - processor[0],
        "send cpu": processor[2] - processor[1],
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "size": len(letter),
        "accepted": outcomes["accepted"],
    }


def smtp_source(count: int, size: int, port: int) -> float:
    program = shutil.which("smtp-source", path=PATH) or "smtp-source"
    began = time.perf_counter()
    words = ["-d", "-s", "20", "-l", str(size), "-m", str(count), "-f", "a@department.example", "-t", "b@example.org"]
    subprocess.run([program, *words, f"127.0.0.1:{port}"], check=True)
    return count / (time.perf_counter() - began)


def usual_way(count: int, port: int) -> float:
    """Jinja2, EmailMessage, icalendar, smtplib."""
    from tui import event as event_file
    from tui.attendees import ColumnSettings, load
    from tui.invitation import Composer, load_wording

    samples = data.samples()
    event, _ = event_file.load(samples / "event.toml", "event.toml")
    assert event
    people = load([samples / "attendees.csv"], ColumnSettings()).records
    first = Composer(event, {"invite": load_wording("invitation", Path("/nowhere"), None)}).compose(
        people[0], revision(people[0])
    )
    plainly = Plainly(event, first.text, first.html)
    began = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as client:
        for number in range(count):
            person = people[number % len(people)]
            client.sendmail(event.organizer.email, person.address, plainly.compose(person))
    return count / (time.perf_counter() - began)


def nodemailer(count: int, size: int, port: int) -> float | None:
    """Messages a second, None where it is not installed (tests/judges has it)."""
    package = ROOT / "tests" / "judges" / "node_modules" / "nodemailer" / "lib" / "nodemailer.js"
    if not shutil.which("node") or not package.exists():
        return None
    words = ["node", "--input-type=module", "-e", NODEMAILER, str(package), str(port), str(count), str(size)]
    done = subprocess.run(words, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return count / float(done.stdout)


def rates(count: int, rounds: int, port: int) -> bool:
    size = send(50, 1, port)["size"]
    found: dict[str, list[float]] = collections.defaultdict(list)
    spent: list[float] = []
    for _ in range(rounds):
        found["smtp-source, 20 sessions"].append(smtp_source(count * 4, size, port))
        for connections in (1, 8, 20):
            run = send(count, connections, port)
            found[f"invite-tui, {connections}"].append(count / run["send"])
            found[f"  with `prepare`, {connections}"].append(count / (run["send"] + run["prepare"]))
            spent.append((run["send cpu"] + run["prepare cpu"]) / count * 1000)
        found["usual Python way, 1"].append(usual_way(max(100, count // 20), port))
        if (rate := nodemailer(max(200, count // 5), size, port)) is not None:
            found["nodemailer, pool of 20"].append(rate)
    base = statistics.median(found["smtp-source, 20 sessions"])
    print(f"{count} messages of {size} bytes, a second (median of {rounds}, interleaved)")
    for name, samples in found.items():
        median = statistics.median(samples)
        print(f"  {name:<28}{median:9.0f}{median / base:8.3f} of smtp-source")
    cost = statistics.median(spent)
    print(f"  processor seconds for 1,000, `prepare` too: {cost:.3f} (goal 0.25)")
    best = max(statistics.median(found[f"invite-tui, {connections}"]) for connections in (1, 8, 20))
    kept = cost <= 0.25
    for name, goal in (("smtp-source, 20 sessions", 0.5), ("usual Python way, 1", 15), ("nodemailer, pool of 20", 8)):
        if name not in found:
            print(f"  not measured: {name}")
            continue
        ratio = best / statistics.median(found[name])
        kept &= ratio >= goal
        print(f"  {ratio:.2f}x {name}   goal {goal}x: {'kept' if ratio >= goal else 'MISSED'}")
    return kept


def round_trips(port: int) -> bool:
    kept = True
    print("Round trips for a message")
    for milliseconds, connections, count in ((20, 1, 300), (100, 1, 60), (20, 20, 1000)):
        with distant(port, milliseconds / 1000) as (far, turns):
            taken = send(count, connections, far)["send"]
            asked = turns()
        kept &= asked / count <= 1.1
        timed = taken * connections / count / (milliseconds / 1000)
        print(
            f"  {milliseconds:>3} ms, {connections:>2} connection(s), {count} messages: {asked / count:.2f} counted, "
            f"{timed:.2f} timed, {count / taken:.0f} a second (goal 1.1 counted)"
        )
    return kept


def flatness(counts: list[int], port: int) -> bool:
    """A short list is sent to again between the others: what else the machine does is then in both figures."""
    print("Attendees: send, prepare, and their processor time in µs for each; MB at the greatest")
    found: dict[int, list[dict[str, Any]]] = collections.defaultdict(list)
    for count in [one for longer in counts[1:] for one in (counts[0], longer, counts[0])]:
        found[count].append(send(count, 8, port, is_anew=True))
    costs, sizes = [], []
    for count, runs in found.items():
        run = {what: statistics.median(one[what] for one in runs) for what in runs[0]}
        costs.append((run["send"] + run["prepare"]) / count)
        sizes.append(run["megabytes"])
        each = [run[what] / count * 1e6 for what in ("send", "prepare", "send cpu", "prepare cpu")]
        print(f"  {count:>7,}" + "".join(f"{value:8.0f}" for value in each) + f"{run['megabytes']:8.0f} MB")
    apart, grown = max(costs) / min(costs), max(sizes) - min(sizes)
    print(f"  dearest of cheapest {apart:.2f}   goal 1.10: {'kept' if apart <= 1.1 else 'MISSED'}")
    print(f"  memory +{grown:.0f} MB   goal 60 for 200,000: {'kept' if grown <= 60 else 'MISSED'}")
    return bool(apart <= 1.1 and grown <= 60)


def main() -> bool:
    absent = [name for name in ("smtp-sink", "smtp-source") if not shutil.which(name, path=PATH)]
    if absent:
        print(f"Not measured: {' and '.join(absent)} of Postfix are not installed (Debian: postfix).")
        return False
    is_full, up_to = "--full" in sys.argv, [2_000, 20_000, 200_000]
    with ExitStack() as running:
        port = running.enter_context(sink())
        if "--flat" in sys.argv:
            return flatness(up_to, port)
        kept = rates(20_000 if is_full else 1_000, 3, port)
        kept &= round_trips(port)
        return kept & flatness(up_to if is_full else [1_000, 5_000], port)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--relay"]:
        asyncio.run(relay(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
    elif sys.argv[1:2] == ["--send"]:
        print(json.dumps(sending(*map(int, sys.argv[2:6]))))
    else:
        sys.exit(not main())

"""Workers whose cable is pulled in mid-run: to the database, to the mail server, to both; `bench/cuts.py`, two minutes.

The one that is cut off is in a network namespace of its own, and has a cable (veth) to the database and one to the mail
server, both at loopback addresses: when one of them is down the kernel itself drops what is sent, and tells nobody.
Another worker takes over; then the cable is mended. Nobody may be sent a message twice, nobody forgotten, and at most
one message of each lost connection be unknown: AssertionError where that does not hold.

Needs Linux and root, and leaves nothing behind: all of it is in namespaces that end with it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from tests.servers.authority import Authority
from tests.servers.postgresql import Postgres
from tests.servers.recording import RecordingServer
from tests.workers.office import Office, must_hold
from tui.ledger import Server

ROOT = Path(__file__).parents[1]
COUNT = 24
DATABASE, MAIL = "127.77.0", "127.78.0"
"""The networks of the two cables: .1 is here, .2 is where the worker is."""


class Elsewhere:
    """A network namespace with two cables to this one."""

    def __init__(self, running: ExitStack) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        running.callback(self._holder.wait)
        running.callback(self._holder.kill)
        ours = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self._holder.pid}/ns/net").readlink() == ours:
            time.sleep(0.01)
        self.enter = ["nsenter", f"--target={self._holder.pid}", "--net"]
        for number, network in enumerate((DATABASE, MAIL)):
            here, there = f"here{number}", f"there{number}"
            _do("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", str(self._holder.pid))
            for before, name, address, other in (([], here, 1, 2), (self.enter, there, 2, 1)):
                _do(*before, "ip", "addr", "add", f"{network}.{address}/32", "dev", name)
                _do(*before, "ip", "link", "set", name, "up")
                _do(*before, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
                _do(*before, "ip", "route", "add", f"{network}.{other}/32", "dev", name, "table", "local")

    def cable(self, network: str, state: str) -> None:
        name = f"here{(DATABASE, MAIL).index(network)}"
        _do("ip", "link", "set", name, state)
        if state == "up":  # the route went with it
            _do("ip", "route", "replace", f"{network}.2/32", "dev", name, "table", "local")


class Recording(RecordingServer):
    host = f"{MAIL}.1"


def main() -> None:
    if "inside" not in sys.argv:
        if os.geteuid() or not shutil.which("unshare"):
            print("Not measured: network namespaces need Linux and root.")
            return
        os.execvp("unshare", ["unshare", "--net", sys.executable, __file__, "inside"])
    _do("ip", "link", "set", "lo", "up")
    with ExitStack() as running:
        elsewhere = Elsewhere(running)
        for what, networks in (("the database", [DATABASE]), ("the mail server", [MAIL]), ("both", [DATABASE, MAIL])):
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as place:
                cut_off_from(networks, elsewhere, Path(place))
            print(f"cut off from {what}: the promise holds; {time.monotonic() - began:.0f} s", flush=True)


def cut_off_from(networks: list[str], elsewhere: Elsewhere, place: Path) -> None:
    with ExitStack() as running:
        authority = Authority(place)
        postgres = running.enter_context(Postgres(authority, in_memory=True))
        postgres.ask("postgres", f"ALTER SYSTEM SET listen_addresses = '127.0.0.1, {DATABASE}.1'")
        postgres.restart()
        server = running.enter_context(Recording(authority, security="none", login=None))
        office = Office(place, postgres, server, running)
        office.environment["PYTHONPATH"] = str(ROOT)
        office.invites(COUNT, connections=1, more="per_minute = 600")
        office.hand_over()
        away = start_elsewhere(elsewhere, office, running)
        office.until(lambda: len(office.mailed) > 3)
        for network in networks:
            elsewhere.cable(network, "down")
        office.start()
        must_hold(office, COUNT, most_unknown=1)
        for network in networks:
            elsewhere.cable(network, "up")
        if DATABASE in networks:
            # It finds out by the ledger that its share is another's, or by the queue that it was away.
            office.until(lambda: away.poll() == 6 or "cannot be reached" in office.said)
        must_hold(office, COUNT, most_unknown=1)


def start_elsewhere(elsewhere: Elsewhere, office: Office, running: ExitStack) -> "subprocess.Popen[bytes]":
    login = f"postgres:{quote(office.postgres.password, safe='')}"
    database = Server.parse(office.address).database
    ledger = f"postgresql://{login}@{DATABASE}.1:{office.postgres.port}/{database}"
    with office.log.open("a") as log:
        process = subprocess.Popen(
            [*elsewhere.enter, sys.executable, "-m", "tui", "worker", "--lost-after", "1"],
            cwd=office.path,
            env=os.environ | office.environment | {"INVITE_TUI_LEDGER": ledger, "INVITE_TUI_SMTP_TIMEOUT": "2"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    running.callback(process.wait)
    running.callback(process.kill)
    return process


def _do(*words: str) -> None:
    subprocess.run(words, check=True)


if __name__ == "__main__":
    main()

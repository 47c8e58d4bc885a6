"""A real Postfix of one's own: on loopback, unprivileged ports, everything it owns in one temporary folder.

It takes mail for every address of every domain from whoever has logged in, and puts each message into a folder that
belongs to that recipient alone. Two local parts are special: `nobody@...` is refused for good (550), `later@...` for
now (450).
"""

import os
import pwd
import shutil
import smtplib
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

from tests.servers.authority import Authority
from tests.servers.keeper import Keeper
from tests.servers.ports import OnFreePorts, PortTakenError, free_ports

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

# Postfix owns the folder for as long as its standard input is open: however this process ends, both go.
_UNTIL_WE_END = """
postfix -c "$0/etc" start >"$0/start.log" 2>&1 || exit
echo started
cat >/dev/null
postfix -c "$0/etc" abort >/dev/null 2>&1
rm -rf "$0"
"""

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.test
mydestination =
mynetworks =
alias_maps =
alias_database =

virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:all
virtual_transport = store
store_destination_recipient_limit = 1
# What we send is what must arrive: no header is added or rewritten but Received and Return-Path.
local_header_rewrite_clients =

smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = {sasl_type}
smtpd_sasl_path = {sasl_path}
smtpd_sasl_local_domain = mail.test
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/etc/recipients, permit_sasl_authenticated, reject
"""

_MASTER = """\
127.0.0.1:{port}     inet  n - n -  -  smtpd
127.0.0.1:{tls_port} inet  n - n -  -  smtpd -o smtpd_tls_wrappermode=yes
cleanup    unix  n - n -  0  cleanup
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n -  -  trivial-rewrite
bounce     unix  - - n -  0  bounce
defer      unix  - - n -  0  bounce
trace      unix  - - n -  0  bounce
verify     unix  - - n -  1  verify
proxymap   unix  - - n -  -  proxymap
anvil      unix  - - n -  1  anvil
scache     unix  - - n -  1  scache
error      unix  - - n -  -  error
retry      unix  - - n -  -  error
postlog    unix-dgram n - n - 1 postlogd
store      unix  - n n -  4  pipe flags=R user=nobody argv={folder}/etc/store ${{recipient}}
"""

_SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/etc/sasldb
mech_list: PLAIN LOGIN
"""

_STORE = """\
#!/bin/sh
set -eu
box={folder}/mail/$(printf %s "$1" | sed 's#/#%2F#g')
mkdir -p "$box"
exec cat >"$(mktemp "$box/XXXXXXXX")"
"""

_RECIPIENTS = """\
/^nobody@/ 550 5.1.1 User unknown
/^later@/  450 4.2.0 Greylisted, come back later
"""


def missing() -> str | None:
    """Why Postfix cannot be run here, in a few words; None where it can."""
    if os.geteuid() != 0:
        return "Postfix must be started by root"
    absent = [program for program in ("postfix", "saslpasswd2") if not shutil.which(program, path=_PATH)]
    return f"not installed: {', '.join(absent)}" if absent else None


class Postfix(OnFreePorts):
    """`with Postfix(authority) as server: ...`. `port` offers STARTTLS, `tls_port` speaks TLS from the start.

    `sasl` is a Dovecot's socket: it then decides who is let in, by password or token, and offers what it knows.
    """

    host = "127.0.0.1"
    username = "organiser"
    password = "correct horse battery"

    def __init__(self, authority: Authority, *, sasl: Path | None = None) -> None:
        self.ca = authority.pem
        self._sasl = sasl
        self._authority = authority
        self.port = self.tls_port = 0

    def mailboxes(self, timeout: float = 30) -> dict[str, list[bytes]]:
        """What each address received so far, oldest first, once the queue is empty.

        With CRLF line ends, as on the wire; Return-Path and Received stand before what was sent.
        """
        deadline = time.monotonic() + timeout
        while queued := self._queued():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(queued)} messages are still queued:\n{self.log()}")
            time.sleep(0.05)
        return {
            box.name.replace("%2F", "/"): [
                path.read_bytes().replace(b"\n", b"\r\n")
                for path in sorted(box.iterdir(), key=lambda path: path.stat().st_mtime_ns)
            ]
            for box in sorted((self._folder / "mail").iterdir())
        }

    def clear(self) -> None:
        """Empty every mailbox."""
        self.mailboxes()
        for box in (self._folder / "mail").iterdir():
            shutil.rmtree(box)

    def log(self) -> str:
        return (self._folder / "mail.log").read_text(errors="replace")

    def _queued(self) -> list[Path]:
        # In the order in which a message moves, so that none is missed on its way.
        queues = [self._folder / "queue" / name for name in ("incoming", "active", "deferred")]
        return [path for queue in queues for path in queue.rglob("*") if path.is_file()]

    def _start(self) -> None:
        self.port, self.tls_port = free_ports(2)
        # Postfix drops its privileges, so the way to its folder must be open to others.
        self._folder = Path(tempfile.mkdtemp(prefix="invite-tui-postfix-"))
        self._folder.chmod(0o755)
        self._configure()
        self._keeper = Keeper(_UNTIL_WE_END, self._folder, {**os.environ, "PATH": _PATH})
        try:
            if not self._keeper.has_started():
                raise RuntimeError(f"Postfix did not start:\n{(self._folder / 'start.log').read_text()}")
            self._wait()
        except BaseException:
            self._stop()
            raise

    def _configure(self) -> None:
        etc = self._folder / "etc"
        for path in (etc, etc / "sasl", self._folder / "queue", self._folder / "data", self._folder / "mail"):
            path.mkdir()
        values = {
            "folder": self._folder,
            "certificate": shutil.copy(self._authority.certificate("localhost", self.host), etc / "server.pem"),
            "port": self.port,
            "tls_port": self.tls_port,
            "sasl_type": "cyrus" if self._sasl is None else "dovecot",
            "sasl_path": "smtpd" if self._sasl is None else self._sasl,
        }
        for name, text in {"main.cf": _MAIN, "master.cf": _MASTER, "sasl/smtpd.conf": _SASL, "store": _STORE}.items():
            (etc / name).write_text(text.format(**values))
        (etc / "recipients").write_text(_RECIPIENTS)
        (etc / "store").chmod(0o755)
        subprocess.run(
            ["saslpasswd2", "-c", "-p", "-f", etc / "sasldb", "-u", "mail.test", self.username],
            input=self.password.encode(),
            env={**os.environ, "PATH": _PATH},
            check=True,
        )
        _give(etc / "sasldb", "postfix")
        _give(self._folder / "data", "postfix")
        _give(self._folder / "mail", "nobody")

    def _wait(self, timeout: float = 20) -> None:
        """Until both ports greet us as who we are."""
        context = ssl.create_default_context(cafile=str(self.ca))
        deadline = time.monotonic() + timeout
        while True:
            try:
                with smtplib.SMTP(self.host, self.port, timeout=5) as client:
                    client.starttls(context=context)
                with smtplib.SMTP_SSL(self.host, self.tls_port, timeout=5, context=context):
                    return
            except (OSError, smtplib.SMTPException) as error:
                if "Address already in use" in self.log():
                    raise PortTakenError(str(self.port)) from error
                if time.monotonic() > deadline:
                    raise RuntimeError(f"Postfix does not answer: {error}\n{self.log()}") from error
                time.sleep(0.05)

    def _stop(self) -> None:
        self._keeper.stop()


def _give(path: Path, user: str) -> None:
    os.chown(path, pwd.getpwnam(user).pw_uid, -1)

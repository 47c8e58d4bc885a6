"""A real Dovecot of one's own: IMAP on loopback, unprivileged ports, everything it owns in one temporary folder.

Whoever knows `password` is let in under any user name that is an address; so is, where an `Issuer` is given, whoever
brings a token that it has made out to that name. `sasl` is where a Postfix can ask the same questions.
"""

import imaplib
import os
import shutil
import ssl
import subprocess
import tempfile
import time
from pathlib import Path

from tests.servers.authority import Authority
from tests.servers.issuer import Issuer
from tests.servers.keeper import Keeper
from tests.servers.ports import OnFreePorts, PortTakenError, free_ports

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

# Dovecot serves for as long as its standard input is open: however this process ends, both go.
_UNTIL_WE_END = """
dovecot -c "$0/dovecot.conf" >"$0/start.log" 2>&1 || { echo failed; exit; }
echo started
cat >/dev/null
doveadm -c "$0/dovecot.conf" stop >/dev/null 2>&1
while [ -e "$0/run/master.pid" ] && kill -0 "$(cat "$0/run/master.pid")" 2>/dev/null; do sleep 0.05; done
rm -rf "$0"
"""

_CONF = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = {folder}
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate}
ssl_key = <{certificate}
disable_plaintext_auth = yes
auth_mechanisms = plain login{tokens}
auth_cache_size = 0
auth_failure_delay = 0
auth_verbose = yes
login_trusted_networks =
mail_location = maildir:{folder}/mail/%u:LAYOUT=fs
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
default_vsz_limit = 1G
mail_max_userip_connections = 100
passdb {{
  driver = static
  args = password={password}
  mechanisms = plain login
}}
{oauth}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service auth {{
  unix_listener postfix {{
    mode = 0666
  }}
}}
service anvil {{
  # Who fails is answered at once: the tests fail often, and on purpose.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

_OAUTH = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
"""

_ISSUER = """\
introspection_url = {introspection}
introspection_mode = post
force_introspection = yes
username_attribute = username
active_attribute = active
active_value = true
max_parallel_connections = 10
timeout_msecs = 20000
"""


def missing() -> str | None:
    """Why Dovecot cannot be run here, in a few words; None where it can."""
    if os.geteuid() != 0:
        return "Dovecot must be started by root"
    absent = [program for program in ("dovecot", "doveadm") if not shutil.which(program, path=_PATH)]
    if not absent and not Path("/usr/lib/dovecot/imap").exists():
        absent = ["dovecot-imapd"]
    return f"not installed: {', '.join(absent)}" if absent else None


class Dovecot(OnFreePorts):
    """`with Dovecot(authority) as server: ...`. `port` wants STARTTLS before a login, `tls_port` speaks TLS at once.

    A mailbox is there as soon as somebody asks for it. With an `issuer`, XOAUTH2 and OAUTHBEARER are offered too.
    """

    host = "127.0.0.1"
    username = "organiser@department.example"
    password = "correct-horse-battery"

    def __init__(self, authority: Authority, issuer: Issuer | None = None) -> None:
        self.ca = authority.pem
        self._authority = authority
        self._issuer = issuer
        self.port = self.tls_port = 0

    @property
    def sasl(self) -> Path:
        """The socket on which it answers for a Postfix (smtpd_sasl_type = dovecot)."""
        return self._folder / "run" / "postfix"

    def client(self, username: str | None = None) -> imaplib.IMAP4_SSL:
        """An own session, logged in; its owner logs it out."""
        context = ssl.create_default_context(cafile=str(self.ca))
        client = imaplib.IMAP4_SSL(self.host, self.tls_port, ssl_context=context, timeout=30)
        client.login(username or self.username, self.password)
        return client

    def put(self, raw: bytes, folder: str = "INBOX", *, username: str | None = None) -> None:
        """Puts a message (CRLF line ends) into a folder, which is made where there is none."""
        client = self.client(username)
        try:
            if folder != "INBOX":
                client.create(folder)  # "it is there already" is fine
            answer, said = client.append(folder, "", imaplib.Time2Internaldate(time.time()), raw)
            if answer != "OK":
                raise RuntimeError(f"Dovecot did not take the message: {said!r}")
        finally:
            client.logout()

    def clear(self) -> None:
        """Forgets every mailbox of everybody; the next one of a name has another UIDVALIDITY."""
        self._doveadm("kick", "*")
        for box in (self._folder / "mail").iterdir():
            shutil.rmtree(box)

    def log(self) -> str:
        path = self._folder / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _doveadm(self, *words: str) -> None:
        subprocess.run(
            ["doveadm", "-c", str(self._folder / "dovecot.conf"), *words],
            env={**os.environ, "PATH": _PATH},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,  # nobody to kick is no failure
        )

    def _start(self) -> None:
        self.port, self.tls_port = free_ports(2)
        # Its processes run as other users, so the way to its folder must be open to them.
        self._folder = Path(tempfile.mkdtemp(prefix="invite-tui-dovecot-"))
        self._folder.chmod(0o755)
        mail = self._folder / "mail"
        mail.mkdir()
        shutil.chown(mail, "nobody", "nogroup")
        values = {
            "folder": self._folder,
            "certificate": shutil.copy(
                self._authority.certificate("localhost", self.host), self._folder / "server.pem"
            ),
            "port": self.port,
            "tls_port": self.tls_port,
            "password": self.password,
            "tokens": "" if self._issuer is None else " xoauth2 oauthbearer",
            "oauth": "" if self._issuer is None else _OAUTH.format(folder=self._folder),
        }
        if self._issuer is not None:
            (self._folder / "oauth2.conf").write_text(_ISSUER.format(introspection=self._issuer.introspection))
        (self._folder / "dovecot.conf").write_text(_CONF.format(**values))
        self._keeper = Keeper(_UNTIL_WE_END, self._folder, {**os.environ, "PATH": _PATH})
        try:
            if not self._keeper.has_started():
                said = (self._folder / "start.log").read_text()
                if "Address already in use" in said:
                    raise PortTakenError(said)
                raise RuntimeError(f"Dovecot did not start:\n{said}")
            self._wait()
        except BaseException:
            self._stop()
            raise

    def _wait(self, timeout: float = 30) -> None:
        """Until somebody can log in."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.client("nobody-yet@department.example").logout()
            except (OSError, imaplib.IMAP4.error) as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"Dovecot does not answer: {error}\n{self.log()}") from error
                time.sleep(0.05)
            else:
                return

    def _stop(self) -> None:
        self._keeper.stop()

"""A real PostgreSQL of one's own: on loopback, everything it owns in one temporary folder, nothing of it is left.

It keeps what it was told as any server does (fsync is on); where its disk is memory that takes no time, and what it was
told outlives everything but the machine. It lets in who logs in from this machine, over a socket without a password,
and over TCP with `password`; over TLS it is `localhost`, by the test run's authority.
"""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.servers.authority import Authority
from tests.servers.keeper import Keeper
from tests.servers.ports import OnFreePorts, PortTakenError, free_ports

_USER = "postgres"
_MEMORY = Path("/dev/shm")
_ROOM = 2 * 2**30  # bytes, for one of each process that runs tests

_NEW = """
initdb -D "$0/data" -U postgres --auth=trust --pwfile="$0/password" --no-sync --locale=C.UTF-8 >"$0/log" 2>&1 &&
cp "$0/pg_hba.conf" "$0/postgresql.auto.conf" "$0/data/" &&
"""

_FOLLOWER = """
pg_basebackup -D "$0/data" -h "$LEADER" -p "$LEADERS_PORT" -U postgres -c fast -R --no-sync >"$0/log" 2>&1 &&
cat "$0/postgresql.auto.conf" >>"$0/data/postgresql.auto.conf" &&
"""

# It serves for as long as its standard input is open: however this process ends, both go.
_UNTIL_WE_END = """
chmod 600 "$0/server.pem" &&
pg_ctl -D "$0/data" -l "$0/log" -w -t 60 start >/dev/null || { cat "$0/log"; echo failed; exit; }
echo started
cat >/dev/null
pg_ctl -D "$0/data" -m immediate -w stop >/dev/null 2>&1
rm -rf "$0"
"""

_CONF = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 60
shared_buffers = 32MB
max_wal_size = {wal}
ssl = on
ssl_cert_file = '{folder}/server.pem'
ssl_key_file = '{folder}/server.pem'
log_min_messages = warning
autovacuum_naptime = 1h
recovery_init_sync_method = syncfs
"""

_WHO = """\
local all all trust
local replication all trust
host all all 127.0.0.0/8 scram-sha-256
"""


def _programs() -> str:
    """Debian has each version in a folder of its own, of which only `psql` is on the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return os.pathsep.join([*(str(path) for path in reversed(versions)), os.environ.get("PATH", "")])


def missing() -> str | None:
    """Why PostgreSQL cannot be run here, in a few words; None where it can."""
    absent = [program for program in ("initdb", "postgres") if not shutil.which(program, path=_programs())]
    if absent:
        return f"not installed: {', '.join(absent)} (PostgreSQL)"
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        return "PostgreSQL is not started by root, and there is no setpriv"
    return None


class Postgres(OnFreePorts):
    """`with Postgres(authority) as server: ...`; `server.database()` makes a new, empty one."""

    host = "127.0.0.1"
    password = "correct horse battery/staple"

    def __init__(self, authority: Authority, *, in_memory: bool = False, follows: "Postgres | None" = None) -> None:
        """`in_memory`: where this machine has a disk that is memory, and there is room. `follows`: it repeats all that
        this one records, and answers who only reads, until it is promoted."""
        self._authority, self._leader = authority, follows
        has_room = in_memory and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM
        self._disk = _MEMORY if has_room else None
        self._wal = "128MB" if has_room else "1GB"
        self._count = 0
        self.ca = authority.pem

    def address(self, database: str, user: str = "postgres") -> str:
        """Over the socket, where nobody is asked for a password."""
        return f"postgresql://{user}@:{self.port}/{database}?host={quote(str(self.folder), safe='')}"

    def address_over_tls(self, database: str, user: str = "postgres", host: str = "localhost") -> str:
        """By its name, with the password."""
        return f"postgresql://{user}:{quote(self.password, safe='')}@{host}:{self.port}/{database}"

    def database(self) -> str:
        """The address of a new, empty database."""
        self._count += 1
        name = f"test_{self._count}"
        self.ask("postgres", f"CREATE DATABASE {name}")
        return self.address(name)

    def ask(self, database: str, query: str) -> list[tuple[Any, ...]]:
        """What the superuser is told."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def restart(self) -> None:
        """As after a power cut: nobody is asked, and nothing is put in order before."""
        self._control("-m", "immediate", "restart", "-l", f"{self.folder}/log")

    def die(self) -> None:
        """As in a power cut: nobody is told."""
        self._control("-m", "immediate", "stop")

    def promote(self) -> None:
        """A follower takes the leader's place."""
        self._control("promote")

    def wait_for_followers(self) -> None:
        """From here on a commit is one when the follower has it, too."""
        self.ask("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.ask("postgres", "SELECT pg_reload_conf()")
        while not self.ask("postgres", "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"):
            time.sleep(0.02)

    def fall_behind(self) -> None:
        """A follower hears no more of its leader from here on."""
        self.ask("postgres", "ALTER SYSTEM SET primary_conninfo = ''")
        self.ask("postgres", "SELECT pg_reload_conf()")
        while self.ask("postgres", "SELECT 1 FROM pg_stat_wal_receiver"):
            time.sleep(0.02)

    def _control(self, *words: str) -> None:
        subprocess.run(
            [*_as_its_user(), "pg_ctl", "-D", f"{self.folder}/data", "-w", *words],
            env=_environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _start(self) -> None:
        (self.port,) = free_ports(1)
        self.folder = Path(tempfile.mkdtemp(prefix="invite-tui-postgresql-", dir=self._disk))
        shutil.copy(self._authority.certificate("localhost"), self.folder / "server.pem")
        (self.folder / "password").write_text(self.password)
        (self.folder / "pg_hba.conf").write_text(_WHO)
        conf = _CONF.format(port=self.port, folder=self.folder, wal=self._wal)
        (self.folder / "postgresql.auto.conf").write_text(conf)
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, _USER, _USER)
            self.folder.chmod(0o755)  # its socket is for whoever runs the tests
        made, environment = _NEW, _environment()
        if self._leader is not None:
            made = _FOLLOWER
            environment |= {"LEADER": str(self._leader.folder), "LEADERS_PORT": str(self._leader.port)}
        self._keeper = Keeper(made + _UNTIL_WE_END, self.folder, environment, before=_as_its_user())
        if not self._keeper.has_started():
            self._stop()
            said = self._keeper.said
            raise (PortTakenError if "Address already in use" in said else RuntimeError)(f"It did not start: {said}")

    def _stop(self) -> None:
        self._keeper.stop()


def _as_its_user() -> list[str]:
    """It refuses to be root's."""
    return ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups"] if os.geteuid() == 0 else []


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": _programs()}

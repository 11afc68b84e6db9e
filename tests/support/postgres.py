"""PostgreSQL for tests: a server of their own on 127.0.0.1, under a user without privileges.

One server serves all tests of a session, whatever process they run in, each in a database of
its own. It may forget what was committed last when it is killed; one that a test kills is a
`Server` of that test alone, and durable. None outlives a loss of power, nor those that use it,
however they end: each holds a lock of its folder, and a process of its own waits for the last.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BOSS, PASSWORD = "boss", "s3cret-of-the-boss"
_IN_USE = "in use"
_ROOM = 4 * 2**30  # bytes that are free where a database may lie in memory
_held = {}  # by the folder of a server: the file whose lock this process has
MISSING = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
_QUICK = {"synchronous_commit": "off"}
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "autovacuum_naptime": "1h",
    "log_destination": "stderr",
}


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: Debian's newest, else that on the PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    other = shutil.which("postgres")
    return found[-1].parent if found else Path(other).parent if other else None


class Server:
    """A server with its data in a folder of its own; it is made at once and started."""

    def __init__(self, *, durable=False):
        self._make_place()
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)  # within a folder that nobody else may enter
        self._run(
            "initdb", "--pgdata", self.data, "--username", BOSS, "--pwfile", secret,
            "--auth", "scram-sha-256", "--no-locale", "--encoding", "UTF8", "--no-sync",
        )  # fmt: skip
        settings = {**_SETTINGS, **({} if durable else _QUICK)}
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{key} = '{value}'\n" for key, value in settings.items())
        self.start()

    def _make_place(self):
        self.programs = programs()
        if self.programs is None:
            raise FileNotFoundError(MISSING)
        self.folder = Path(tempfile.mkdtemp(prefix="meta-experiment-postgres.", dir=_memory()))
        self._user = unprivileged()
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self.port = free_port()
        self.use()
        watching = ["setsid", "--fork", sys.executable, "-I", "-S", __file__, self.folder]
        subprocess.run(
            watching, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=True,
        )  # fmt: skip

    def standby(self):
        """Return a server that follows this one, and can be read, until it is promoted."""
        other = Server.__new__(Server)
        other._make_place()
        other._run(
            "pg_basebackup", "--dbname", self.url(), "--pgdata", other.data, "--no-sync",
            "--write-recovery-conf", "--checkpoint", "fast",
        )  # fmt: skip
        other.start()
        return other

    def promote(self):
        """Let a standby take over."""
        self._run("pg_ctl", "promote", "--wait", "--pgdata", self.data, "--silent")

    def write(self, name, data):
        """Write a file that the server alone may read."""
        path = self.folder / name
        path.write_bytes(data)
        path.chmod(0o600)
        if self._user:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def use(self):
        """Keep it from being removed as long as this process lives."""
        # a lock that forked processes do not have; the first file that is closed gives it back
        if self.folder not in _held:
            _held[self.folder] = (self.folder / _IN_USE).open("a+b")
            fcntl.lockf(_held[self.folder], fcntl.LOCK_SH)

    def start(self, **settings):
        """Start it; further settings hold until the next start."""
        more = " ".join(f"-c {key}={value}" for key, value in settings.items())
        self._run(
            "pg_ctl", "start", "--wait", "--pgdata", self.data, "--silent",
            "--log", self.folder / "log", "--options", f"-p {self.port} {more}",
        )  # fmt: skip

    def stop(self):
        """Stop it at once, in order."""
        self._run("pg_ctl", "stop", "--pgdata", self.data, "--mode", "fast", "--silent")

    def kill(self):
        """Kill all of its processes, as a loss of power does to them."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        every = [first, *_children(first)]
        os.kill(first, signal.SIGSTOP)  # it starts no other meanwhile
        for process in (*_children(first), *every):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        while any(_lives(process) for process in every):
            time.sleep(0.01)
        # where nobody buries the dead, it would be taken for one that lives
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def restart(self, **settings):
        """Start it again after `kill` or `stop`; it recovers what was committed."""
        self.start(**settings)

    def remove(self):
        """Stop it and forget its data."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run(
                "pg_ctl", "stop", "--pgdata", self.data, "--mode", "immediate", "--silent"
            )
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder in _held:
            _held.pop(self.folder).close()

    def url(self, database="postgres", user=BOSS, password=PASSWORD, port=None):
        """Return where a database of it is, as people give it."""
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.port}/{database}"

    def database(self, template="template0"):
        """Make a database that nobody else has; return its name."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f'create database "{name}" template "{template}"')
        return name

    def run(self, *statements, database="postgres"):
        """Run statements as the boss, each by itself."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def rows(self, query, database="postgres"):
        """Return what a query of the boss finds."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def _run(self, program, *words):
        command = as_user(self._user, self.programs / program, *words)
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.folder)}
        with (self.folder / "said").open(
            "wb"
        ) as said:  # a pipe would stay open with the server
            done = subprocess.run(
                command, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=said,
                stderr=subprocess.STDOUT, check=False, timeout=120,
            )  # fmt: skip
        if done.returncode:
            log = self.folder / "log"
            raise subprocess.CalledProcessError(
                done.returncode,
                command,
                (self.folder / "said").read_text() + (log.read_text() if log.exists() else ""),
            )


def as_user(user, *words, dies=False):
    """Return a command as a user without privileges runs it; it `dies` with who began it."""
    options = ["--pdeathsig=KILL"] if dies else []
    if user:
        options += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [*(["setpriv", *options, "--"] if options else []), *map(str, words)]


@contextlib.contextmanager
def shared(base: Path):
    """Give the one server of a session whose processes know this folder; the last stops it."""
    state = base / "postgres.json"
    with _locked(base):
        known = json.loads(state.read_text()) if state.exists() else None
        server = Server() if known is None else _reopened(known)
        users = 1 + (known["users"] if known else 0)
        state.write_text(_described(server, users))
    try:
        yield server
    finally:
        with _locked(base):
            users = json.loads(state.read_text())["users"] - 1
            if users:
                state.write_text(_described(server, users))
            else:
                state.unlink()
                server.remove()


def _memory():
    """Return a folder in memory, where there is room: a disk takes seconds for a database."""
    from tests.support import memory_folder

    with contextlib.suppress(OSError):
        if shutil.disk_usage(memory_folder.MEMORY).free > _ROOM:
            return memory_folder.MEMORY
    return None


def _described(server, users):
    return json.dumps({"folder": str(server.folder), "port": server.port, "users": users})


def _reopened(known):
    server = Server.__new__(Server)
    server.programs, server._user = programs(), unprivileged()
    server.folder, server.port = Path(known["folder"]), known["port"]
    server.use()
    return server


@contextlib.contextmanager
def _locked(base):
    with (base / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unprivileged():
    """Return whom the server runs as, which must not be root; None where we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError("There is neither a user postgres nor nobody.")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _children(process):
    path = Path(f"/proc/{process}/task/{process}/children")
    if path.exists():
        return [int(child) for child in path.read_text().split()]
    told = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = (line.split() for line in told.stdout.splitlines())
    return [int(pid) for pid, parent in pairs if int(parent) == process]


def _lives(process):
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat")
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _bury(folder):
    """Wait until nobody uses a server any more, then stop it and remove its folder."""
    try:
        with (folder / _IN_USE).open("a+b") as used:
            fcntl.lockf(used, fcntl.LOCK_EX)
            first = int((folder / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(first, signal.SIGQUIT)
            while _lives(first):
                time.sleep(0.05)
    except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        pass  # it was stopped
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":  # says where its programs are, for .ci/run; or buries one
    sys.exit(_bury(Path(sys.argv[1])) if sys.argv[1:] else None if programs() else MISSING)

"""PgBouncer for tests, before their server: each transaction may have another connection."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from tests.support import postgres

MISSING = "PgBouncer is not installed (Debian: apt-get install pgbouncer)"


def program() -> str | None:
    """Return where it is."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


class Pooler:
    """A pooler in transaction mode with so many connections to a server."""

    def __init__(self, server, connections):
        self._folder = Path(tempfile.mkdtemp(prefix="meta-experiment-pooler."))
        self._server, self.port = server, postgres.free_port()
        users = self._folder / "users.txt"
        users.write_text(f'"{postgres.BOSS}" "{postgres.PASSWORD}"\n')
        settings = self._folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server.port}\n"
            "[pgbouncer]\nlisten_addr = 127.0.0.1\nunix_socket_dir =\n"
            f"listen_port = {self.port}\nauth_type = scram-sha-256\nauth_file = {users}\n"
            f"pool_mode = transaction\ndefault_pool_size = {connections}\n"
            "max_client_conn = 200\n"
        )
        owner = postgres.unprivileged()
        if owner:
            for path in (self._folder, users, settings):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self._process = subprocess.Popen(
            postgres.as_user(owner, program(), settings, dies=True),
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self):
        until = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self._server.url(port=self.port)).close()
            except psycopg.OperationalError:
                assert time.monotonic() < until, "the pooler does not answer"
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


if __name__ == "__main__":  # says whether it is there, for .ci/run
    sys.exit(None if program() else MISSING)

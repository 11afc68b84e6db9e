"""The server that tests start: whatever they do to it, it is there again."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from tests.support import postgres

ROOT = Path(__file__).parents[2]
needs_postgres = pytest.mark.skipif(postgres.programs() is None, reason=postgres.MISSING)


@needs_postgres
@pytest.mark.long
def test_what_was_committed_outlives_a_server_that_is_killed():
    server = postgres.Server(durable=True)
    try:
        name = server.database()
        server.run("create table kept (number int)", database=name)
        with psycopg.connect(server.url(name)) as connection:
            connection.execute("insert into kept values (1)")
            connection.commit()
            connection.execute("insert into kept values (2)")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("insert into kept values (3)")
        server.restart()
        assert server.rows("table kept", name) == [(1,)]
    finally:
        server.remove()
    assert not server.folder.exists()


@needs_postgres
@pytest.mark.long
def test_processes_share_one_server_that_the_last_of_them_stops(tmp_path):
    with postgres.shared(tmp_path) as one:
        with postgres.shared(tmp_path) as other:
            assert other.url() == one.url()
        assert one.rows("select 1") == [(1,)]
        assert one.database() != one.database()
    assert not one.folder.exists()
    assert not (tmp_path / "postgres.json").exists()


@needs_postgres
@pytest.mark.long
def test_a_server_ends_with_those_that_use_it_however_they_end():
    """A run of tests that is killed leaves neither a server nor its folder."""
    begin = (
        "import time; from tests.support import postgres; server = postgres.Server();"
        "print(server.folder, server.port, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", begin], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as user:
        folder, port = user.stdout.readline().split()
        socket.create_connection(("127.0.0.1", int(port)), 10).close()
        user.kill()
    until = time.monotonic() + 60
    while Path(folder).exists():
        assert time.monotonic() < until, "the folder of the server stays"
        time.sleep(0.05)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)), 10)

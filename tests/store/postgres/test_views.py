"""What people with SQL see is what the program folds."""

from __future__ import annotations

import psycopg
import pytest
from tests.store.contract import Seen
from tests.store.making import experiment, recorded

from meta_experiment.store.postgres import log_rows
from meta_experiment.store.postgres.connections import Connections
from meta_experiment.store.postgres.store import PostgresStore
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import TrialStatus

DAMAGED = (
    b'{"event": "recorded", "at": 1, "trial_id": "torn\n\n[1]\n"x"\nnull\n{"at": "soon"}\n'
    b"\xff\xfe\n\x00\n"
)


@pytest.fixture
def store(postgres_store, request):
    made = PostgresStore(Connections(postgres_store), request.node.nodeid[-200:], "here")
    yield made
    made.close()


def seen(store, columns, view="trials"):
    with psycopg.connect(store._connections.address.conninfo) as connection:
        return connection.execute(
            f"select {columns} from meta_experiment.{view}"  # noqa: S608
            " where (project, experiment) = (%s, 'exp-1') order by 1, 2",
            [store.project],
        ).fetchall()


def test_a_row_is_a_trial_as_it_is_folded(store):
    """Whatever the order of its lines, and whoever said what first."""
    drawn = [
        store.assign("exp-1", f"unit {n}\t", lambda n: f"arm {n % 2}", 1e9 + n)
        for n in range(4)
    ]
    store.record(
        [
            Seen(trial_id=drawn[0].trial_id, variant="arm 0", metrics={"m": 1.5, "n": 2.0}),
            Seen(trial_id=drawn[1].trial_id, variant="arm 1", status=TrialStatus.ERROR),
            Seen(trial_id="of nobody", variant="arm 1"),
        ],
        1e9 + 10,
    )
    store.append(
        "exp-1",
        [
            recorded(drawn[0].trial_id, 1e9 + 20, "arm 0", metrics={"m": 9.0, "late": 3.0}),
            recorded("of nobody", 1e9 + 5, "arm 0", unit="late unit", metrics={"early": 1.0}),
            TrialEvent(EventKind.EXCLUDED, 1e9 + 9, drawn[2].trial_id, "arm 0", reason="left"),
            TrialEvent(EventKind.EXPOSED, 1e9 + 9, drawn[3].trial_id, "arm 1"),
        ],
    )
    columns = "trial_id, variant, status, exposed, excluded, metrics, begun, closed"
    told = [
        (*row[:6], row[6].timestamp(), row[7] and row[7].timestamp())
        for row in seen(store, columns)
    ]
    folded = sorted(
        (it.trial_id, it.variant, it.status and it.status.value, it.exposed, it.excluded,
         dict(it.metrics), it.assigned_at, it.closed_at)
        for it in store.trials(experiment()).trials
    )  # fmt: skip
    assert told == folded
    assert len(told) == 5


def test_lines_that_are_damaged_are_no_rows(store):
    store.record([Seen(trial_id="good")], 1e9)
    with store._connections.transaction() as connection:
        number = store._known(connection)
        for log in ("torn.jsonl", "assignments.torn.tsv"):
            log_id = log_rows.log_id(connection, number, "exp-1", "here", log)
            log_rows.add(connection, number, log_id, [log_rows.Chunk(0, DAMAGED, b"")])
    assert seen(store, "trial_id, metrics") == [("good", {"duration_seconds": 1.5})]
    assert seen(store, "trial_id, unit", "assignments") == []
    log = store.trials(experiment())
    assert [it.trial_id for it in log.trials] == ["good"]
    assert log.set_aside_count == 2 * 7  # a blank line is none


def test_views_can_be_read_by_several_processes_of_the_server(store):
    """What catches an error of its own cannot run in them, and says that."""
    store.record([Seen(trial_id="good")], 1e9)
    with psycopg.connect(store._connections.address.conninfo) as connection:
        newer = connection.info.server_version >= 160000
        name = "debug_parallel_query" if newer else "force_parallel_mode"
        connection.execute(f"set local {name} = on")
        connection.execute("set local parallel_setup_cost = 0")
        connection.execute("set local min_parallel_table_scan_size = 0")
        connection.execute("set local parallel_tuple_cost = 0")
        (count,) = connection.execute("select count(*) from meta_experiment.trials").fetchone()
    assert count >= 1

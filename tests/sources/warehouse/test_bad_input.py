"""What is broken, cut, locked or gone is said, never half taken, and tells no secret."""

import gzip
import socket
import sys
import threading
import types

import pytest
from tests.support.postgres import BOSS, PASSWORD
from tests.support.warehouse_rows import ARMS, FIRST_DAY, mapping_of, plan_of

from meta_experiment.errors import (
    DependencyError,
    MetaExperimentError,
    NetworkError,
    NotFoundError,
    RemoteError,
    UsageError,
)
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.sought import sought

NAMES = list(ARMS.values())
ROWS = [(f"u{number}", "AB"[number % 2], number / 2) for number in range(4000)]
TEXT = "unit,arm,cost\n" + "".join(f"{unit},{arm},{cost}\n" for unit, arm, cost in ROWS)
LATER = Period(FIRST_DAY.timestamp() + 40 * 86400)


def sums(place, engine=None, folder=".", **changes):
    """Collect a table without a time, whose rows bear their values."""
    mapping = mapping_of(
        {"rows": place},
        folder,
        window=None,
        exposure={"table": "rows", "unit": "unit", "variant": "arm", "variants": ARMS},
        metrics={"cost_usd": {"value": "cost", "aggregate": "sum"}},
        **changes,
    )
    with opened(engine) as reached:
        return collect(reached, mapping, NAMES, sought(plan_of(), mapping), LATER)


def parquet(path):
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (unit VARCHAR, arm VARCHAR, cost DOUBLE)")
        connection.execute(
            f"INSERT INTO t SELECT * FROM read_csv('{path.with_suffix('.csv')}')"  # noqa: S608 - a path of the test
        )
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    return path.read_bytes()


@pytest.fixture
def stored(tmp_path):
    """Write the same rows in a form; return what is in the file."""

    def write(name):
        path = tmp_path / name
        path.with_suffix(".csv").write_text(TEXT)
        if name.endswith(".parquet"):
            return parquet(path)
        lines = "".join(f'{{"unit":"{u}","arm":"{a}","cost":{c}}}\n' for u, a, c in ROWS)
        data = (TEXT if ".csv" in name else lines).encode()
        return gzip.compress(data, mtime=0) if name.endswith(".gz") else data

    return write


FORMS = ("rows.parquet", "rows.csv", "rows.jsonl", "rows.csv.gz", "rows.jsonl.gz")


@pytest.mark.parametrize("name", FORMS)
def test_a_whole_file_is_taken(stored, tmp_path, name):
    (tmp_path / name).write_bytes(stored(name))
    assert sums({"path": name}, folder=tmp_path)[1].units == len(ROWS)


@pytest.mark.parametrize("share", [0.3, 0.71, 0.999])
@pytest.mark.parametrize("name", FORMS)
def test_a_file_that_was_cut_is_none(stored, tmp_path, name, share):
    whole = stored(name)
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(RemoteError) as caught:
        sums({"path": name}, folder=tmp_path)
    assert name in caught.value.message


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv.gz"])
def test_a_damaged_file_is_none(stored, tmp_path, name):
    data = bytearray(stored(name))
    middle = len(data) // 2
    data[middle : middle + 60] = bytes(60)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(RemoteError):
        sums({"path": name}, folder=tmp_path)


def test_a_check_sum_that_does_not_fit_is_seen(stored, tmp_path):
    data = bytearray(stored("rows.csv.gz"))
    data[-6] ^= 0xFF
    (tmp_path / "rows.csv.gz").write_bytes(data)
    with pytest.raises(RemoteError, match="not whole"):
        sums({"path": "rows.csv.gz"}, folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("unit,arm,cots\nu1,A,1\nu2,B,2\n", NotFoundError, "cost"),
        ("unit,arm,cost\n" + "u1,A,1\n" * 30_000 + "u2,B,abc\n", RemoteError, "abc"),
        ("unit,arm,cost\nu1,A,2026-01-01\nu2,B,2026-01-02\n", UsageError, "expected a number"),
        ("", MetaExperimentError, ""),
        ("unit,arm,cost\nu1,\xc4,1\n", RemoteError, "utf-8"),
    ],
    ids=["column", "late type", "type", "empty", "encoding"],
)
def test_what_does_not_fit_is_named(tmp_path, text, error, said):
    (tmp_path / "rows.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(error) as caught:
        sums({"path": "rows.csv"}, folder=tmp_path)
    assert said in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        ("\ufeffunit,arm,cost\r\nu1,A,1\r\nu2,A,3\r\nu3,B,4\r\n", 2.0),
        ('"unit","arm","cost"\n"u1","A","1"\n"u,2","A","3"\nu3,B,4\n', 2.0),
        (
            "unit,arm,cost\nu1,A,9223372036854775807\nu2,A,9223372036854775807\nu3,B,1\n",
            2.0**63,
        ),
        ("unit,arm,cost\nu1,A,0.1\nu1,A,0.2\nu3,B,4\n", 0.3),
        ("unit,arm,cost\nu1,A,1\nu2,A,nan\nu2,A,3\nu4,A,inf\nu4,A,2\nu3,B,4\n", 2.0),
        ("unit,arm,cost\n007,A,1\n7,A,3\nu3,B,4\n", 2.0),
    ],
    ids=["BOM", "quotes", "bigint", "decimal", "not finite", "leading zeros"],
)
def test_awkward_tables_are_read_as_they_are_meant(tmp_path, text, mean):
    (tmp_path / "rows.csv").write_text(text, newline="")
    found, _ = sums({"path": "rows.csv"}, folder=tmp_path)
    control = next(day for day in found.days if day.variant == "control")
    assert control.metrics["cost_usd"].joint.moments().mean == pytest.approx(mean, rel=1e-12)


@pytest.fixture(scope="module")
def server(postgres_server):
    """Give a database with the rows, and a role that may read them alone."""
    name = postgres_server.database()
    values = ",".join(f"('{unit}','{arm}',{cost})" for unit, arm, cost in ROWS)
    postgres_server.run(
        'CREATE TABLE "Rows" (unit text, arm text, cost float8)',
        f'INSERT INTO "Rows" VALUES {values}',  # noqa: S608 - made-up rows
        f"CREATE ROLE {name}_reader LOGIN PASSWORD 'only-to-read' "
        "IN ROLE pg_read_all_data NOSUPERUSER",
        f"ALTER ROLE {name}_reader SET default_transaction_read_only = on",
        database=name,
    )
    return postgres_server, name


def test_a_replica_that_can_only_be_read_is_enough(server):
    postgres, name = server
    url = postgres.url(name, f"{name}_reader", "only-to-read")
    found, count = sums({"table": "Rows"}, url)
    assert count.units == len(ROWS)
    assert found.days[0].units == len(ROWS) / 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "wr0ng-secret"}, "password"),
        ({"user": "nobody-known"}, "password"),
        ({"port": 9}, "refused"),
        ({"database": "nowhere_at_all"}, "does not exist"),
    ],
    ids=["password", "user", "port", "database"],
)
def test_a_server_that_does_not_let_us_in_is_said_without_a_secret(server, changed, said):
    postgres, name = server
    url = postgres.url(**{"database": name, **changed})
    with pytest.raises(NetworkError) as caught:
        sums({"table": "Rows"}, url)
    told = f"{caught.value.message} {caught.value.hint}"
    assert said in told.lower()
    assert PASSWORD not in told
    assert "wr0ng-secret" not in told


def test_a_server_without_encryption_is_refused_where_it_is_asked_for(server):
    postgres, name = server
    with pytest.raises(NetworkError, match="SSL") as caught:
        sums({"table": "Rows"}, postgres.url(name) + "?sslmode=require")
    assert PASSWORD not in caught.value.message


def test_the_nearest_table_is_named(server):
    postgres, name = server
    with pytest.raises(NotFoundError) as caught:
        sums({"table": "Rosw"}, postgres.url(name))
    assert "'Rows'" in (caught.value.hint or "")


@pytest.mark.parametrize("after", [1, 200, 700])
def test_a_connection_that_is_cut_gives_nothing(server, after):
    """The line breaks within the answer to the query, or before it."""
    postgres, name = server
    with (
        _cut(postgres.port, "seen", after) as port,
        pytest.raises(MetaExperimentError) as caught,
    ):
        sums({"table": "Rows"}, postgres.url(name, port=port))
    assert caught.value.kind in ("network", "remote")
    assert PASSWORD not in caught.value.message
    assert BOSS not in caught.value.message


class _cut:  # noqa: N801
    """A way to the server that breaks so many bytes after a word was asked for."""

    def __init__(self, port, word, after):
        self._port, self._word, self._after = port, word.encode(), after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self._listener.getsockname()[1]

    def __exit__(self, *_):
        for each in self._sockets:
            each.close()

    def _serve(self):
        try:
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [client, server]
                asked = threading.Event()
                for source, target, forth in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._pass, args=(source, target, asked, forth), daemon=True
                    ).start()
        except OSError:
            return

    def _pass(self, source, target, asked, forth):
        left = self._after
        try:
            while data := source.recv(65536):
                if forth and self._word in data:
                    asked.set()
                if not forth and asked.is_set():
                    target.sendall(data[:left])
                    left -= len(data)
                    if left <= 0:
                        break
                    continue
                target.sendall(data)
        except OSError:
            pass
        for each in (source, target):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


@pytest.mark.parametrize(
    ("url", "package", "hint"),
    [
        ("spark://local", "pyspark", "'pyspark>=4.1'"),
        ("clickhouse://db.example/events", "clickhouse", "ibis-framework[clickhouse]"),
        ("postgresql://db.example/events", "psycopg", "[warehouse]"),
    ],
)
def test_the_driver_that_is_missing_is_the_one_to_install(monkeypatch, url, package, hint):
    for name in ("pyspark", "clickhouse_connect", "psycopg"):
        for module in [item for item in sys.modules if item.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setitem(sys.modules, name, None)
    for module in [item for item in sys.modules if item.startswith("ibis.backends.")]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(DependencyError) as caught, opened(url):
        pass
    assert package in caught.value.message
    assert hint in caught.value.hint


def test_spark_without_java_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", types.ModuleType("pyspark"))
    sql = types.ModuleType("pyspark.sql")
    sql.SparkSession = None
    monkeypatch.setitem(sys.modules, "pyspark.sql", sql)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DependencyError, match="Java") as caught, opened("spark://local"):
        pass
    assert "Java 17" in caught.value.hint


@pytest.mark.parametrize("password", ["s3[cret", "s3cret\u2100"])
def test_an_address_that_is_none_is_said_without_its_secret(password):
    """What Python says of one has the user and the password in it."""
    with (
        pytest.raises(UsageError, match="taken apart") as caught,
        opened(f"postgresql://ann:{password}@db.example/events"),
    ):
        pass
    assert "s3" not in f"{caught.value.message} {caught.value.hint}"
    assert "%5B" in caught.value.hint

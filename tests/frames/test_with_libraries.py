"""The tables as pandas, polars and pyarrow have them, by the installed wheel."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.cli.conftest import project
from tests.docs.pages import ROOT, python_blocks
from tests.frames.test_load import recorded
from tests.support.tools import frames_python

pytestmark = pytest.mark.long

__all__ = ["project", "recorded"]


def run(*words, cwd=None, **settings):
    """Start a program with nothing of this process's environment but the path and the home."""
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), **settings},
    )  # fmt: skip


@pytest.fixture(scope="module")
def python():
    """The Python of an environment with the libraries, made by whichever test comes first."""
    python = frames_python()
    if isinstance(python, str):
        pytest.skip(f"pandas, polars and pyarrow cannot be installed: {python}")
    return python


@pytest.fixture(scope="module")
def installed(python, tmp_path_factory):
    """The folder into which this package's wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ("hatchling", "build", "-t", "wheel", "-d", folder)
    built = run(sys.executable, "-m", *words, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    pip = (python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps")
    done = run(*pip, "--target", folder / "site", wheel)
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture
def answer(python, installed, project, recorded, tmp_path):
    """Run lines of Python that print JSON, in a folder apart from the project."""

    def ask(lines):
        begin = (
            f"import json, sys\nsys.path.insert(0, {str(installed)!r})\n"
            "from meta_experiment import load\n"
            f"loaded = load({recorded!r}, {str(project.root)!r})\n"
        )
        done = run(
            python, "-I", "-W", "error", "-c", begin + textwrap.dedent(lines), cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def test_pandas_has_the_types_and_the_figures(answer, project, recorded):
    primary = project("analyze", recorded, "--json").json["primary"]
    types, means, missing, moments = answer(
        """
        units, trials = loaded.units.to_pandas(), loaded.trials.to_pandas()
        compared = units[units["compared"]]
        means = compared.groupby("variant")["metrics.duration_seconds"].mean()
        gaps = trials["metrics.cost_usd"].isna().sum(), trials["excluded"].isna().sum()
        print(json.dumps([
            {name: str(kind) for name, kind in trials.dtypes.items()}, means.to_dict(),
            [int(gap) for gap in gaps],
            [trials["closed_at"].dt.tz is not None, loaded.looks.to_pandas().shape[1]],
        ]))
        """
    )
    assert types["order"] == "int64"
    assert types["exposed"] == "bool"
    assert types["unit"] == "string"
    assert types["metrics.output_tokens"] == "int64"
    assert types["metrics.duration_seconds"] == "float64"
    assert types["closed_at"].endswith(", UTC]")
    assert means == pytest.approx({arm: it["mean"] for arm, it in primary["variants"].items()})
    assert missing == [20, 60]
    assert moments == [True, 12]


def test_polars_and_arrow_have_the_same(answer):
    kinds, schema, rows, same, nulls = answer(
        """
        table, frame = loaded.trials.to_arrow(), loaded.trials.to_polars()
        kinds = {name: str(kind) for name, kind in frame.schema.items()}
        schema = {field.name: str(field.type) for field in table.schema}
        same = frame.rows(named=True) == table.to_pylist() == list(loaded.trials)
        both = loaded.units.to_polars().rows() == [tuple(row.values()) for row in loaded.units]
        nulls = table.column("metrics.cost_usd").null_count, table.column("status").null_count
        print(json.dumps([kinds, schema, len(frame), same and both, nulls]))
        """
    )
    assert kinds["order"] == "Int64"
    assert "UTC" in kinds["closed_at"]
    assert schema["order"] == schema["metrics.output_tokens"] == "int64"
    assert schema["closed_at"] == "timestamp[us, tz=UTC]"
    assert (schema["exposed"], schema["unit"]) == ("bool", "string")
    assert (rows, same, nulls) == (60, True, [20, 0])


def test_a_table_without_rows_has_its_types(answer):
    kinds = answer(
        """
        from meta_experiment.frames.tidy_frame import TidyFrame
        from meta_experiment.types.tidy_table import TidyColumn, TidyTable
        names = "text", "number", "whole", "flag", "moment"
        columns = tuple(TidyColumn(name, name) for name in names)
        some = [["a", 1.5, None, None, None], ["\\ud800", 2.0, 3, True, 0.5]]
        found = []
        for rows in ([], [[None] * 5], some):
            frame = TidyFrame("odd", TidyTable(columns, rows))
            pandas, polars = frame.to_pandas(), frame.to_polars()
            found.append([
                list(map(str, pandas.dtypes)), list(map(str, polars.dtypes)),
                list(map(str, frame.to_arrow().schema.types)), len(pandas), len(polars),
            ])
        print(json.dumps(found))
        """
    )
    assert [shape[3:] for shape in kinds] == [[0, 0], [1, 1], [2, 2]]
    assert kinds[0][1] == kinds[1][1] == kinds[2][1]
    assert kinds[0][2] == kinds[1][2] == kinds[2][2]
    gaps = ["string", "float64", "Int64", "boolean"]
    assert kinds[1][0][:4] == kinds[2][0][:4] == gaps
    assert {it[0][4].rpartition(",")[2] for it in kinds} == {" UTC]"}


@pytest.mark.usefixtures("recorded")
def test_the_page_runs_whole(python, installed, project):
    first = f"import sys; sys.path.insert(0, {str(installed)!r})"
    page = "\n".join([first, *python_blocks(ROOT / "docs" / "frames.md")])
    done = run(python, "-I", "-W", "error", "-c", page, cwd=project.root)
    assert done.returncode == 0, done.stderr
    assert "looks had enough evidence" in done.stdout

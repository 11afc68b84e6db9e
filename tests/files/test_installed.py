"""What pip is told to install: this very program, wherever it came from."""

import json

import pytest

from meta_experiment.files import installed

WHEEL = "file:///tmp/meta_experiment-0.1.0-py3-none-any.whl"
GIT = {
    "url": "https://example.org/them/meta-experiment",
    "vcs_info": {"vcs": "git", "commit_id": "0" * 40},
}


@pytest.fixture
def distributed(tmp_path, monkeypatch):
    """Let it be installed as a package, from where a document of pip's says."""

    def put(direct_url):
        folder = tmp_path / "meta_experiment-0.9.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Name: meta-experiment\nVersion: 0.9.0\n")
        if direct_url:
            (folder / "direct_url.json").write_text(json.dumps(direct_url))
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setattr(installed, "_SOURCE", tmp_path)

    return put


@pytest.mark.parametrize(
    ("direct_url", "here", "anywhere"),
    [
        (None, "meta-experiment[team]==0.9.0", "meta-experiment==0.9.0"),
        ({"url": WHEEL, "archive_info": {}}, f"meta-experiment[team] @ {WHEEL}", ""),
        (
            GIT,
            f"meta-experiment[team] @ git+{GIT['url']}@{'0' * 40}",
            f"meta-experiment @ git+{GIT['url']}@{'0' * 40}",
        ),
    ],
    ids=["an index", "a file", "a repository"],
)
def test_an_installed_package_says_where_it_came_from(distributed, direct_url, here, anywhere):
    distributed(direct_url)
    assert installed.requirement("team") == here
    assert installed.public_requirement() == anywhere


def test_a_clone_is_installed_from_its_folder_and_on_no_other_machine(tmp_path, monkeypatch):
    """An index may have something else under this name."""
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setattr(installed, "_SOURCE", tmp_path)
    assert installed.install_hint("dask").endswith(f" install '{tmp_path}[dask]'")
    assert installed.public_requirement() == ""


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """Return the folder of the environment that the program runs in."""
    place = tmp_path / "tools" / "meta-experiment"
    (place / "bin").mkdir(parents=True)
    monkeypatch.setattr(installed.sys, "prefix", str(place))
    monkeypatch.setattr(installed.sys, "executable", str(place / "bin" / "python"))
    monkeypatch.setenv("PATH", "")
    return place


def test_a_tool_of_uv_is_installed_anew_with_all_that_it_had(distributed, environment):
    """Uv keeps the extras and packages that were said last, and no others."""
    distributed({"url": WHEEL, "archive_info": {}})
    (environment / "uv-receipt.toml").write_text(
        '[tool]\nrequirements = [{ name = "meta-experiment", extras = ["team"] }, '
        '{ name = "tabulate", extras = ["a"], specifier = ">=0.9" }]\n'
    )
    assert installed.install_hint("warehouse", "pyspark>=4.1") == (
        "uv tool install --with 'tabulate[a]>=0.9' --with 'pyspark>=4.1' "
        f"'meta-experiment[team,warehouse] @ {WHEEL}'"
    )
    assert installed.install_hint("team").endswith(f"'meta-experiment[team] @ {WHEEL}'")


def test_pipx_puts_each_package_of_an_extra_beside_the_program(
    distributed, environment, tmp_path
):
    distributed(None)
    metadata = tmp_path / "meta_experiment-0.9.0.dist-info" / "METADATA"
    metadata.write_text(
        metadata.read_text()
        + "Requires-Dist: click>=8\nRequires-Dist: duckdb<2,>=1.4; extra == 'warehouse'\n"
        "Requires-Dist: dask>=1; extra == 'dask'\n"
    )
    (environment / "pipx_metadata.json").write_text("{}")
    assert installed.install_hint("warehouse", "pyspark") == (
        "pipx inject meta-experiment 'duckdb<2,>=1.4' pyspark"
    )
    assert installed.install_hint("", "pyspark") == "pipx inject meta-experiment pyspark"


@pytest.mark.parametrize(
    ("program", "own_pip", "said"),
    [
        ("own/pip", True, "pip install pyspark"),
        (None, True, "{python} -m pip install pyspark"),
        ("uv", False, "uv pip install --python {python} pyspark"),
        (None, False, "python3 -m pip --python {python} install pyspark"),
    ],
)
def test_pip_is_that_of_the_environment(
    environment, tmp_path, monkeypatch, program, own_pip, said
):
    """Another one on the PATH would install beside some other Python."""
    python = environment / "bin" / "python"
    stranger = tmp_path / "elsewhere"
    stranger.mkdir()
    folder = environment / "bin" if program == "own/pip" else stranger
    for name in {program and program.rpartition("/")[2], None if own_pip else "pip"} - {None}:
        (folder / name).touch(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(installed, "find_spec", lambda _: own_pip or None)
    assert installed.install_hint("", "pyspark") == said.format(python=python)

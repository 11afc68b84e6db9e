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
    assert installed.install_hint("dask") == f"pip install '{tmp_path}[dask]'"
    assert installed.public_requirement() == ""

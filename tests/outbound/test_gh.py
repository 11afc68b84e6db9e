"""The real `gh`, over its unix socket, against the server that plays GitHub."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.client.installed import cache_folder
from tests.outbound.fake_github import TOKEN, US, fake_github
from tests.outbound.test_comments import DISCUSSION, ISSUE, MARK, TEXT, Sleeper, key

from meta_experiment.errors import RemoteError
from meta_experiment.outbound.github.client import GitHub
from meta_experiment.outbound.github.comments import post_once
from meta_experiment.outbound.github.transports import GhProgram, transport_for

# where CI unpacks Debian's package: nothing of the machine is changed
UNPACKED = cache_folder(os.environ).parent / "gh" / "usr" / "bin"

FAULTS = (
    "create error",
    "create stored error",
    "create stored silence",
    "create stored reset",
    "create stored cut",
    "create secondary limit",
    "list primary limit",
    "list cut",
)
QUERY_FAULTS = ("create stored partial query error", "list query limit")


@pytest.mark.long
@pytest.mark.skipif(
    not (shutil.which("gh") or UNPACKED.is_dir()),
    reason="gh is not installed: apt install gh, or .ci/run",
)
def test_gh_leaves_exactly_one_comment_whatever_goes_wrong(tmp_path):
    path = f"{UNPACKED}{os.pathsep}{os.environ['PATH']}"
    environment = {
        "PATH": path,
        "HOME": str(tmp_path),
        "GH_CONFIG_DIR": str(tmp_path / "gh"),
        "GH_TOKEN": TOKEN,
        "GH_ENTERPRISE_TOKEN": "of-another-server",
        "GH_DEBUG": "api",
    }
    gh, place = shutil.which("gh", path=path), tmp_path / "socket"
    subprocess.run(
        [gh, "config", "set", "http_unix_socket", place], env=environment, check=True
    )
    with fake_github(at=place) as hub:
        for thread, faults in ((ISSUE, FAULTS), (DISCUSSION, FAULTS + QUERY_FAULTS)):
            hub.add(key(thread), "mallory", TEXT)
            hub.add(key(thread), "somebody", "talk")
            for fault in faults:
                _post(environment, hub, thread, fault)
        hub.blobs["/repos/acme/prompts/actions/artifacts/1/zip"] = b"PK\x03\x04\r\n\r\n\x00"
        github = GitHub(transport_for(environment))
        assert github.download("repos/acme/prompts/actions/artifacts/1/zip").endswith(b"\n\x00")
        with pytest.raises(RemoteError) as refused:
            github.get("repos/acme/other")
        assert refused.value.status == 404
        assert all(head["Host"] == "api.github.com" for head in hub.headers)
        _follow(github, hub)


def _follow(github, hub):
    """Let a redirect lead away twice: whatever its version, gh has no token for there."""
    hub.headers.clear()
    for at, to in (("/repos/acme/prompts/zip", "a"), ("/a", "b")):
        hub.blobs[at] = f"https://store.example/{to}"
    hub.blobs["/b"] = b"PK"
    assert github.download("repos/acme/prompts/zip") == b"PK"
    sent = [(head["Host"], head.get("Authorization")) for head in hub.headers]
    away = ("store.example", None)
    assert sent == [("api.github.com", f"token {TOKEN}"), away, away]


def _post(environment, hub, thread, fault):
    """Post with one fault on the way, each time about something else."""
    mark, clock = MARK.replace("abc", fault.replace(" ", "-")), Sleeper()
    what, _, how = fault.partition(" ")
    hub.faults.append((what, how))
    transport = transport_for(environment)
    assert isinstance(transport, GhProgram)
    github = GitHub(transport, within=3_600, each=2, clock=clock, sleep=clock.sleep)
    post_once(github, thread, mark, "It is decided.")
    assert hub.of(key(thread)).count(f"{mark}\nIt is decided.") == 1
    assert not hub.faults
    hub.comments[:] = [item for item in hub.comments if item["author"] != US]


def test_the_folder_for_gh_is_outside_the_tree():
    assert not UNPACKED.is_relative_to(Path(__file__).parents[2])

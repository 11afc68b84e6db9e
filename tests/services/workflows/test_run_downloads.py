"""Runs are fetched from a server that pages, redirects, expires and limits as GitHub does."""

import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.git import git
from tests.support.workflow_runs import START, moment, write_run

from meta_experiment.cli.main import main

TOKEN = "ghs_of-the-test"  # noqa: S105
API = "/api/v3"
ACTIONS = f"{API}/repos/acme/prompts/actions"


class Hub(ThreadingHTTPServer):
    """Holds runs with their packed artifacts, two to a page, and what goes wrong once."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.runs, self.faults, self.asked = folder, {}, {}, []
        self.expired = set()
        self.again = {}  # number of a run -> what an earlier attempt of it left, packed

    def add(self, number, variant, *, conclusion="success", attempt=1):
        place = write_run(self.folder, number, {"tone": variant}, attempt=attempt) / "usage"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path in place.rglob("*"):
                if path.is_file():
                    archive.write(path, path.relative_to(place))
        run = {
            "id": number,
            "run_attempt": attempt,
            "conclusion": conclusion,
            "created_at": moment(number * 3600),
            "path": ".github/workflows/daily-fact.lock.yml",
        }
        self.runs[number] = (run, packed.getvalue())


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        self.server.asked.append(path)
        fault = self.server.faults.get(path)
        if path.startswith("/blobs/"):
            assert "Authorization" not in self.headers
            number = path.rpartition("/")[2]
            run = self.server.runs[int(number.removesuffix("-old"))]
            old = self.server.again.get(int(number.removesuffix("-old")))
            self.answer(200, old if number.endswith("-old") else run[1])
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer(401, {"message": "Bad credentials"})
        elif fault is not None:
            del self.server.faults[path]
            self.answer(*fault)
        else:
            self.of_actions(path, query)

    def of_actions(self, path, query):
        number = int(path.split("/")[8]) if "workflows" not in path else 0
        if path == f"{ACTIONS}/workflows/daily-fact.lock.yml/runs":
            runs = [run for run, _ in reversed(self.server.runs.values())]
            self.page("workflow_runs", runs, query)
        elif path.endswith("/jobs"):
            job = {"name": "agent", "started_at": moment(0), "completed_at": moment(number)}
            self.page("jobs", [job], query)
        elif path.endswith("/artifacts"):
            about = {"size_in_bytes": 9, "expired": number in self.server.expired}
            names = ("usage", "agent")
            found = [
                about | {"id": number * 10 + n, "name": name} for n, name in enumerate(names)
            ]
            if number in self.server.again:
                found.append(about | {"id": number, "name": "usage"})
            self.page("artifacts", found, query)
        else:
            old = number in self.server.again
            assert old or path.endswith("0/zip"), "the large artifact is not asked for"
            host = f"http://127.0.0.1:{self.server.server_port}"
            blob = f"{number}-old" if old else number // 10
            self.answer(302, b"", Location=f"{host}/blobs/{blob}")

    def page(self, key, items, query):
        start = int(query.get("page", ["1"])[0])
        more = {}
        if start * 2 < len(items):
            url = f"http://127.0.0.1:{self.server.server_port}{urlsplit(self.path).path}"
            more["Link"] = f'<{url}?page={start + 1}>; rel="next"'
        self.answer(
            200, {"total_count": len(items), key: items[start * 2 - 2 : start * 2]}, **more
        )

    def answer(self, status, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def hub(tmp_path):
    made = Hub(tmp_path / "made")
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def fetch(hub, tmp_path, monkeypatch, capsys):
    """Return what imports from the server, in a repository with the workflow."""
    root = tmp_path / "root"
    folder = root / ".github" / "workflows"
    folder.mkdir(parents=True)
    git(root, "init", "-q")
    declared = {"tone": {"variants": ["dry", "warm"], "metric": "aic", "min_samples": 10}}
    (folder / "daily-fact.md").write_text(f"---\nexperiments: {json.dumps(declared)}\n---\n")
    monkeypatch.chdir(root)
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{hub.server_port}{API}")
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setattr("meta_experiment.cli.open.clock", lambda: START + 9e6)

    def run(*more, code=0):
        words = [
            "import",
            "runs",
            "--workflow",
            "daily-fact",
            "--github",
            "acme/prompts",
            *more,
        ]
        got = main([*words, "--json"])
        document = json.loads(capsys.readouterr().out)
        assert got == code, document
        return document

    run.runs = root / "runs"
    return run


def test_runs_are_fetched_once_and_come_with_how_they_ended(hub, fetch):
    for number in range(1, 6):
        hub.add(
            number,
            ["dry", "warm"][number % 2],
            conclusion="failure" if number == 3 else "success",
        )
    done = fetch()
    assert done["experiments"][0]["added"] == 5
    assert done["notes"][0] == "5 runs fetched, 0 here before."
    assert sorted(path.name for path in fetch.runs.iterdir()) == [f"{n}-1" for n in range(1, 6)]
    hub.add(6, "dry")
    hub.asked.clear()
    again = fetch()
    assert again["experiments"][0]["added"] == 1
    assert again["notes"][0] == "1 runs fetched, 5 here before."
    assert sum(path.startswith("/blobs/") for path in hub.asked) == 1


def test_of_a_run_that_was_made_again_what_the_last_attempt_left_counts(hub, fetch):
    """GitHub lists the artifacts of every attempt, under the same names."""
    hub.add(1, "dry")
    hub.add(2, "warm")
    hub.again[2] = hub.runs[1][1]  # of another variant, and of another run
    done = fetch()
    assert done["experiments"][0]["added"] == 2
    assert not done["refused"]
    counted = done["experiments"][0]["variants"]
    assert {name: one["drawn"] for name, one in counted.items()} == {"dry": 1, "warm": 1}


def test_what_has_expired_is_told_and_the_conclusion_counts(hub, fetch):
    for number in range(1, 5):
        hub.add(number, ["dry", "warm"][number % 2])
    hub.expired = {1}
    hub.faults[f"{ACTIONS}/artifacts/20/zip"] = (410, {"message": "Gone"})
    done = fetch()
    assert done["notes"][1] == "2 artifacts have expired, so that their runs tell less."
    assert done["experiments"][0]["added"] == 2
    assert done["experiments"][0]["excluded"] == {"names no variant": 2}


def test_a_limit_stops_and_the_next_time_goes_on_from_there(hub, fetch):
    for number in range(1, 5):
        hub.add(number, ["dry", "warm"][number % 2])
    reset = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(4e9))}
    limited = (403, {"message": "API rate limit exceeded"})
    hub.faults[f"{ACTIONS}/runs/2/jobs"] = limited

    def answer(self, status, body, **headers):
        return plain(self, status, body, **(headers | reset if status == 403 else headers))

    plain, _Handler.answer = _Handler.answer, answer
    try:
        done = fetch()
    finally:
        _Handler.answer = plain
    assert done["experiments"][0]["added"] == 2
    assert done["notes"][1].startswith("Not all runs are here: ")
    assert sorted(path.name for path in fetch.runs.iterdir()) == ["2-1.part", "3-1", "4-1"]
    assert fetch()["experiments"][0]["added"] == 2
    assert sorted(path.name for path in fetch.runs.iterdir()) == ["1-1", "2-1", "3-1", "4-1"]


def test_what_is_refused_is_told(hub, fetch, monkeypatch):
    hub.add(1, "dry")
    assert fetch("--dry-run", code=2)["error"]["kind"] == "usage"
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    assert fetch(code=1)["error"]["kind"] == "remote"
    assert not fetch.runs.exists()

"""What every test starts from: an environment of its own, and time enough on a busy machine."""

import gc
import itertools
import os
import shutil
import signal

import pytest
from hypothesis import HealthCheck, settings
from tests.support import chance, left_processes
from tests.support.git import GIT_ENVIRONMENT
from tests.support.kept_projects import KeptProjects

_CALM = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
    "print_blob": True,
}
# the same examples each time, so that a failure is that of a change; chance looks for others
settings.register_profile("steady", max_examples=30, derandomize=True, **_CALM)
settings.register_profile("thorough", max_examples=100, derandomize=True, **_CALM)  # .ci/run
settings.register_profile("exploring", max_examples=1000, **_CALM)
settings.load_profile("steady")

_STEERING = (
    "CLAUDE",
    "META_",
    "GIT_",
    "ANTHROPIC_",
    "OTEL_",
    "PYTHON",
    "XDG_",
    "GH_",
    "GITHUB_",
)


_FAILED = pytest.StashKey[bool]()

gc.disable()  # nothing that is loaded or collected is garbage
left_processes.watch()
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # as in what a shell runs in its background
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """Let no later search for garbage go through thousands of tests."""
    gc.enable()
    gc.freeze()


def pytest_exception_interact(node):
    """Remember which tests failed, as their files are looked at afterwards."""
    node.stash[_FAILED] = True


@pytest.hookimpl(trylast=True)  # when those that are not to run are left out
def pytest_collection_modifyitems(config, items):
    """Let each process begin with some of the tests that say how long they take.

    One that began when the others are done would be waited for. The rest stays in its order, as
    tests of one module share what is made for it. `worksteal` gives each process one part of
    the list, from whose end others take.
    """
    taking = {item: _seconds(item) for item in items}
    longest = sorted(filter(taking.get, items), key=taking.get, reverse=True)
    rest = [item for item in items if not taking[item]]
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    total, items[:] = len(items), []
    for number in range(processes):  # the last parts have one more where it does not divide
        part = longest[processes - 1 - number :: processes]
        others = (total + number) // processes - len(part)
        items += [*part, *rest[:others]]
        del rest[:others]


def _seconds(item):
    marker = item.get_closest_marker("long")
    return marker.args[0] if marker and marker.args else 0


class _Folders:
    """Folders that nobody else has; one of pytest's own looks through all beside it."""

    def __init__(self, base):
        self._base, self._numbers, self._made = base, itertools.count(), []

    def __call__(self):
        place = self._base / str(next(self._numbers))
        place.mkdir()
        self._made.append(place)
        return place

    def end_test(self, *, remove):
        """Forget what one test had, and remove it where that is asked for."""
        for place in self._made if remove else ():
            shutil.rmtree(place, ignore_errors=True)
        self._made.clear()


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Give folders to tests, each its own."""
    return _Folders(tmp_path_factory.mktemp("each"))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    """Give the session's PostgreSQL server to all its processes; skip where none can be."""
    from tests.support import postgres

    if postgres.programs() is None:
        pytest.skip(postgres.MISSING)
    base = tmp_path_factory.getbasetemp()
    with postgres.shared(
        base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    ) as server:
        yield server


@pytest.fixture(scope="session")
def kept_projects(tmp_path_factory):
    """Give projects that were made once to all tests that begin where they end."""
    return KeptProjects(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def tmp_path(folders):
    """Give an empty folder."""
    return folders()


@pytest.fixture(autouse=True)
def _nothing_left(request, folders):
    """End what a test leaves behind, once its other fixtures are done, so that none follows.

    Nor are files of a long test left, unless it failed: all of them together would fill a
    memory. For the many small ones that would take longer than to remove all at the end.
    """
    with left_processes.none_left():
        yield
    long = request.node.get_closest_marker("long")
    folders.end_test(remove=long and not request.node.stash.get(_FAILED, default=False))


@pytest.fixture(autouse=True)
def _own_chance(request, monkeypatch):
    """Draw the same as the last time."""
    chance.seed(monkeypatch, request.node.nodeid)


@pytest.fixture(autouse=True)
def _no_loss_of_power(monkeypatch):
    """Leave out what only a loss of power would show: `tests/chaos/power.py` cuts its own."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


@pytest.fixture(scope="session", autouse=True)
def _no_steering():
    """Inherit no variable that steers the client, git, Python or this program, in any scope."""
    with pytest.MonkeyPatch.context() as patch:
        _steer_nothing(patch, [prefix for prefix in _STEERING if prefix != "XDG_"])
        yield  # where this machine keeps a client is asked once, before the first test


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, folders):
    """Have a home of one's own as well, and nothing that an earlier test left."""
    _steer_nothing(monkeypatch, _STEERING)
    monkeypatch.setenv("HOME", str(folders()))


def _steer_nothing(patch, prefixes):
    for name in list(os.environ):
        if name.startswith(tuple(prefixes)):
            patch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        patch.delenv(name, raising=False)
    for name, value in GIT_ENVIRONMENT.items():
        patch.setenv(name, value)

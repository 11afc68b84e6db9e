"""What every test starts from: an environment of its own, and time enough on a busy machine."""

import os

import pytest
from hypothesis import HealthCheck, settings
from tests.support.git import GIT_ENVIRONMENT

_CALM = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
    "print_blob": True,
}
settings.register_profile("steady", max_examples=30, **_CALM)
settings.register_profile("thorough", max_examples=100, **_CALM)  # as .ci/run asks for it
settings.load_profile("steady")

_STEERING = ("CLAUDE", "META_", "GIT_", "ANTHROPIC_", "OTEL_", "PYTHON", "XDG_")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, tmp_path_factory):
    """Inherit no variable that steers the client, git, Python or this program."""
    for name in list(os.environ):
        if name.startswith(_STEERING):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))

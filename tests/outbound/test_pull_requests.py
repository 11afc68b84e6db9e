"""One pull request from a branch, whatever happens on the way."""

import pytest
from tests.outbound.fake_github import fake_github
from tests.outbound.test_comments import github_at

from meta_experiment.errors import RemoteError
from meta_experiment.outbound.github.pull_requests import (
    PullRequestText,
    open_once,
    repository_at,
)

TEXT = PullRequestText("meta-experiment/exp-1", "main", "Promote it", "It is decided.")


@pytest.fixture
def hub():
    with fake_github() as server:
        yield server


def test_a_pull_request_is_opened_once_and_found_again(hub):
    first = open_once(github_at(hub), "acme/prompts", TEXT)
    again = open_once(github_at(hub), "acme/prompts", TEXT)
    assert (first.number, first.found) == (1, False)
    assert (again.url, again.found) == (first.url, True)
    assert [item["title"] for item in hub.pulls] == ["Promote it"]
    other = PullRequestText("meta-experiment/exp-1", "next", "Promote it", "")
    assert open_once(github_at(hub), "acme/prompts", other).number == 2


@pytest.mark.parametrize(
    "fault", ["error", "stored error", "reset", "stored reset", "stored cut"]
)
def test_what_went_wrong_on_the_way_opens_no_second(hub, fault):
    hub.faults.append(("create", fault))
    assert open_once(github_at(hub), "acme/prompts", TEXT).number == 1
    assert len(hub.pulls) == 1


def test_a_refusal_is_told(hub):
    with pytest.raises(RemoteError):
        open_once(github_at(hub), "acme/nothing", TEXT)


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("https://github.com/acme/prompts.git", ("github.com", "acme/prompts")),
        ("https://user:word@git.acme.org/acme/prompts", ("git.acme.org", "acme/prompts")),
        ("git@github.com:acme/prompts.git", ("github.com", "acme/prompts")),
        ("ssh://git@github.com:22/acme/prompts.git", ("github.com", "acme/prompts")),
        ("/srv/git/prompts.git", None),
        ("https://github.com/acme/prompts/extra", None),
    ],
)
def test_the_repository_of_a_remote_is_read_from_its_address(url, repository):
    assert repository_at(url) == repository

"""Where a token goes, and where it never goes."""

import socket
import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from tests.outbound.fake_github import TOKEN, fake_github

from meta_experiment.errors import (
    DependencyError,
    NetworkError,
    RemoteError,
    UnsafePathError,
    UsageError,
)
from meta_experiment.outbound.github.client import GitHub
from meta_experiment.outbound.github.hosts import github_host
from meta_experiment.outbound.github.transports import (
    GhProgram,
    GitHubCall,
    OwnRequests,
    transport_for,
)
from meta_experiment.outbound.http import HttpRequest, exchange

ENTERPRISE = {"GH_HOST": "ghe.acme.io", "GH_ENTERPRISE_TOKEN": "enterprise", "GH_TOKEN": "own"}


@pytest.mark.parametrize(
    ("environment", "name", "expected"),
    [
        ({}, "", ("https://api.github.com", "https://api.github.com/graphql", "")),
        ({"GITHUB_TOKEN": "a"}, "", ("https://api.github.com", None, "a")),
        ({"GITHUB_TOKEN": "a", "GH_TOKEN": "b"}, "github.com", (None, None, "b")),
        (
            ENTERPRISE,
            "",
            ("https://ghe.acme.io/api/v3", "https://ghe.acme.io/api/graphql", "enterprise"),
        ),
        (
            {"GH_HOST": "acme.ghe.com", "GH_TOKEN": "own"},
            "",
            ("https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql", "own"),
        ),
        (
            {"GITHUB_API_URL": "https://ghe.acme.io/api/v3", "GITHUB_TOKEN": "of-the-job"},
            "ghe.acme.io",
            ("https://ghe.acme.io/api/v3", "https://ghe.acme.io/api/graphql", "of-the-job"),
        ),
        (
            {"GITHUB_API_URL": "https://api.github.com", "GITHUB_TOKEN": "of-the-job"},
            "",
            ("https://api.github.com", "https://api.github.com/graphql", "of-the-job"),
        ),
        # a host that somebody wrote into a file gets no token that is meant for another
        (ENTERPRISE, "evil.example", (None, None, "")),
        (ENTERPRISE, "github.com", (None, None, "")),
        ({"GH_TOKEN": "own"}, "evil.example", ("https://evil.example/api/v3", None, "")),
        ({"GH_TOKEN": "own"}, "evil.ghe.com", (None, None, "")),
        (
            {"GITHUB_API_URL": "https://ghe.acme.io/api/v3", "GITHUB_TOKEN": "x"},
            "github.com",
            ("https://api.github.com", None, ""),
        ),
    ],
)
def test_a_host_has_its_interfaces_and_its_own_token(environment, name, expected):
    host = github_host(environment, name)
    for found, wanted in zip((host.rest, host.graphql, host.token), expected, strict=True):
        assert wanted is None or found == wanted
    assert host.usual


@pytest.mark.parametrize("url", ["api.github.com", "https://[", "https://ghe.acme.io:999999"])
def test_an_address_of_the_environment_that_is_none_is_told(url):
    with pytest.raises(UsageError, match="GITHUB_API_URL"):
        github_host({"GITHUB_API_URL": url})


def test_gh_is_taken_where_it_is_and_can_reach_the_host(tmp_path):
    program = tmp_path / "gh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = {"PATH": str(tmp_path)}
    assert isinstance(transport_for(path), GhProgram)
    assert isinstance(transport_for({"PATH": "/nowhere"}), OwnRequests)
    elsewhere = {**path, "GITHUB_API_URL": "http://127.0.0.1:1"}
    assert isinstance(transport_for(elsewhere), OwnRequests)


def test_gh_gets_the_token_of_a_job_on_a_server_of_ones_own(tmp_path):
    program = tmp_path / "gh"
    program.write_text(
        '#!/bin/sh\nprintf "HTTP/1.1 200 OK\\r\\n\\r\\n\\"%s\\"" "$4 $GH_ENTERPRISE_TOKEN"\n'
    )
    program.chmod(0o755)
    environment = {
        "PATH": str(tmp_path),
        "GITHUB_API_URL": "https://ghe.acme.io/api/v3",
        "GITHUB_TOKEN": "of-the-job",
    }
    github = GitHub(transport_for(environment))
    assert github.get("user") == "ghe.acme.io of-the-job"


def test_gh_gets_no_token_of_another_host_and_says_where_it_is_not_logged_in(tmp_path):
    program = tmp_path / "gh"
    program.write_text(
        '#!/bin/sh\necho "$GH_TOKEN$GITHUB_TOKEN$GH_ENTERPRISE_TOKEN" >>$GH_TEST_LOG\n'
        'printf "HTTP/1.1 401 Unauthorized\\r\\n\\r\\n{}"\nexit 1\n'
    )
    program.chmod(0o755)
    log = tmp_path / "log"
    environment = {**ENTERPRISE, "PATH": str(tmp_path), "GH_TEST_LOG": str(log)}
    for name in ("ghe.other.io", "github.com"):
        with pytest.raises(DependencyError, match=f"not logged in to {name}"):
            GitHub(transport_for(environment, name)).get("user")
    with pytest.raises(RemoteError, match="does not accept the token"):
        GitHub(transport_for(environment)).get("user")
    assert log.read_text() == "\n\nenterprise\n"


def test_gh_fetches_no_bytes_with_a_token_that_it_would_send_anywhere():
    """An older one sends `GH_ENTERPRISE_TOKEN` to whichever server a redirect names."""
    with fake_github() as hub, fake_github() as elsewhere:
        hub.blobs["/zip"], elsewhere.blobs["/blob"] = f"{elsewhere.base}/blob", b"PK"
        known = github_host({**ENTERPRISE, "GH_ENTERPRISE_TOKEN": TOKEN})
        gh = GhProgram(replace(known, rest=hub.base), "/nowhere/gh", {})
        assert gh.download("zip", within=20).body == b"PK"
        assert [TOKEN in str(head.get("Authorization")) for head in hub.headers] == [True]
        assert ["Authorization" in head for head in elsewhere.headers] == [False]


def test_gh_that_is_not_logged_in_or_answers_nothing_is_told(tmp_path):
    program = tmp_path / "gh"
    program.write_text("#!/bin/sh\necho 'dial tcp: no such host' >&2\nexit $GH_TEST_CODE\n")
    program.chmod(0o755)
    call = GitHubCall("GET", "user")
    for code, error in (("4", DependencyError), ("1", NetworkError)):
        transport = transport_for({"PATH": str(tmp_path), "GH_TEST_CODE": code})
        with pytest.raises(error):
            transport.send(call, within=20)


def test_without_a_token_nothing_is_sent():
    with fake_github() as hub:
        transport = OwnRequests(github_host({"GITHUB_API_URL": hub.base}))
        with pytest.raises(DependencyError, match="no token"):
            GitHub(transport).get("user")
        assert hub.headers == []


def test_the_bytes_of_an_artifact_lie_elsewhere_and_the_token_stays():
    with fake_github() as hub, fake_github() as elsewhere:
        hub.blobs["/repos/acme/prompts/actions/artifacts/1/zip"] = f"{elsewhere.base}/blob"
        elsewhere.blobs["/blob"] = b"PK\x03\x04\r\n\r\nbytes"
        environment = {"GITHUB_API_URL": hub.base, "GH_TOKEN": TOKEN}
        github = GitHub(OwnRequests(github_host(environment)))
        found = github.download("repos/acme/prompts/actions/artifacts/1/zip")
        assert found == b"PK\x03\x04\r\n\r\nbytes"
        assert "Authorization" in hub.headers[0]
        assert len(elsewhere.headers) == 1
        assert "Authorization" not in elsewhere.headers[0]


def test_a_list_that_lies_elsewhere_is_neither_asked_for_nor_believed():
    with fake_github() as hub, fake_github() as elsewhere:
        hub.blobs["/repos/acme/prompts/issues/7/comments"] = f"{elsewhere.base}/blob"
        elsewhere.blobs["/blob"] = b"[]"
        environment = {"GITHUB_API_URL": hub.base, "GH_TOKEN": TOKEN}
        github = GitHub(OwnRequests(github_host(environment)))
        for ask in (github.get, lambda path: list(github.pages(path))):
            with pytest.raises(RemoteError, match="HTTP 302"):
                ask("repos/acme/prompts/issues/7/comments")
        assert elsewhere.headers == []


def test_nothing_is_written_where_a_redirect_leads():
    with fake_github() as hub, fake_github() as elsewhere:
        hub.blobs["/repos/acme/prompts/issues/7/comments"] = f"{elsewhere.base}/blob"
        environment = {"GITHUB_API_URL": hub.base, "GH_TOKEN": TOKEN}
        github = GitHub(OwnRequests(github_host(environment)))
        with pytest.raises(RemoteError, match="HTTP 302"):
            github.write("POST", "repos/acme/prompts/issues/7/comments", {"body": "x"})
        assert elsewhere.headers == []


def test_a_repository_that_was_renamed_is_followed_with_the_token():
    with fake_github() as hub:
        hub.add(("issue", 7), "somebody", "talk")
        hub.blobs["/repos/acme/old/issues/7/comments"] = (
            f"{hub.base}/repos/acme/prompts/issues/7/comments"
        )
        environment = {"GITHUB_API_URL": hub.base, "GH_TOKEN": TOKEN}
        found = GitHub(OwnRequests(github_host(environment))).get(
            "repos/acme/old/issues/7/comments"
        )
        assert [item["body"] for item in found] == ["talk"]


def test_a_next_page_at_another_host_is_not_asked_for():
    with fake_github() as hub, fake_github() as elsewhere:
        for number in range(3):
            hub.add(("issue", 7), "somebody", f"talk {number}")
        home = hub.base
        environment = {"GITHUB_API_URL": home, "GH_TOKEN": TOKEN}
        hub.base = elsewhere.base
        github = GitHub(OwnRequests(github_host(environment)))
        with pytest.raises(RemoteError, match="next page"):
            list(github.pages("repos/acme/prompts/issues/7/comments"))
        assert elsewhere.headers == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.org/x", "https:///x", "x"]
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(UnsafePathError):
        exchange(HttpRequest("GET", url), within=1)


def test_a_token_is_not_sent_in_the_clear():
    sent = HttpRequest("GET", "http://example.org/", {"Authorization": "Bearer x"})
    with pytest.raises(UnsafePathError, match="without encryption"):
        exchange(sent, within=1)


def test_an_answer_without_end_is_refused():
    with fake_github() as hub:
        hub.blobs["/blob"] = b"x" * 1000
        with pytest.raises(NetworkError, match="longer than 999 bytes"):
            exchange(HttpRequest("GET", f"{hub.base}/blob"), within=10, limit=999)


def test_an_answer_that_comes_letter_by_letter_ends_in_time():
    """Each letter comes soon enough for the socket; all of them never do."""
    over = threading.Event()

    def drip(server):
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not over.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=[server])
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        try:
            with pytest.raises(NetworkError, match="no whole answer within"):
                exchange(HttpRequest("GET", url), within=0.5)
        finally:
            over.set()
            thread.join()


def test_proxies_of_the_environment_are_asked(monkeypatch):
    with fake_github() as proxy:
        monkeypatch.setenv("http_proxy", proxy.base)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        proxy.blobs["/blob"] = b"through the proxy"
        found = exchange(HttpRequest("GET", "http://example.invalid/blob"), within=10)
        assert found.body == b"through the proxy"

"""One comment at the end, whatever happens on the way."""

import threading
import time

import pytest
from tests.everyday import some
from tests.outbound.fake_github import PATIENCE, TOKEN, US, fake_github

from meta_experiment.errors import NetworkError, RateLimitError, RemoteError, UsageError
from meta_experiment.outbound.github.client import GitHub
from meta_experiment.outbound.github.comments import post_once, thread_named
from meta_experiment.outbound.github.hosts import github_host
from meta_experiment.outbound.github.transports import OwnRequests

MARK = "<!-- meta-experiment:notify v1 exp-1 event=promote sha256:abc -->"
TEXT = f"{MARK}\nIt is decided."
ISSUE = thread_named("issue", "acme/prompts#7")
DISCUSSION = thread_named("discussion", "acme/prompts#9")
THREADS = {"issue": ISSUE, "discussion": DISCUSSION}


class Sleeper:
    """A clock that passes while one sleeps, without anybody waiting."""

    def __init__(self):
        self.slept = []

    def __call__(self):
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture
def hub():
    with fake_github() as server:
        yield server


def github_at(hub, within=3_600.0, each=0.5):
    environment = {"GITHUB_API_URL": hub.base, "GH_TOKEN": TOKEN}
    clock = Sleeper()
    transport = OwnRequests(github_host(environment))
    made = GitHub(transport, within=within, each=each, clock=clock, sleep=clock.sleep)
    made.slept = clock.slept
    return made


def key(thread):
    return thread.kind, thread.number


@pytest.mark.parametrize("kind", THREADS)
def test_a_comment_is_posted_once_and_found_on_the_last_page(hub, kind):
    thread = THREADS[kind]
    for number in range(5):
        hub.add(key(thread), "somebody", f"talk {number}")
    posted = post_once(github_at(hub), thread, MARK, "It is decided.")
    again = post_once(github_at(hub), thread, MARK, "Said otherwise.")
    assert hub.of(key(thread)) == [TEXT]
    assert again == posted
    assert posted.url.endswith("-6")
    assert hub.count("create") == 1


# what goes wrong -> how often a comment is created: what arrived is not sent again
FAULTS = {
    "create error": 2,
    "create stored error": 1,
    "create silence": 2,
    "create stored silence": 1,
    "create reset": 2,
    "create stored reset": 1,
    "create stored cut": 1,
    "create page of a proxy": 2,
    "create list": 2,
    "create stored list": 1,
    "create number": 2,
    "create object": 2,
    "create stored object without number": 1,
    "create depth": 2,
    "create primary limit": 2,
    "create secondary limit": 2,
    "create secondary limit in words": 2,
    "list error": 1,
    "list silence": 1,
    "list cut": 1,
    "list reset": 1,
    "list page of a proxy": 1,
    "list number": 1,
    "list list of words": 1,
    "list object": 1,
    "list depth": 1,
    "list primary limit": 1,
    "list secondary limit": 1,
}
QUERY_FAULTS = {
    "create query error": 2,
    "create stored partial query error": 1,
    "create query limit": 2,
    "create data of words": 2,
    "list query error": 1,
    "list query limit": 1,
}


@pytest.mark.parametrize(
    ("kind", "fault", "creations"),
    some(
        [
            *((kind, *fault) for kind in THREADS for fault in FAULTS.items()),
            *(("discussion", *fault) for fault in QUERY_FAULTS.items()),
        ],
        20,
    ),
)
def test_a_fault_leaves_exactly_one_comment(hub, kind, fault, creations):
    thread = THREADS[kind]
    hub.add(key(thread), "mallory", TEXT)
    for number in range(3):
        hub.add(key(thread), "somebody", f"talk {number}")
    what, _, how = fault.partition(" ")
    hub.faults.append((what, how))
    post_once(github_at(hub), thread, MARK, "It is decided.")
    assert hub.of(key(thread)) == [TEXT]
    assert hub.of(key(thread), "mallory") == [TEXT]
    assert hub.count("create") == creations
    assert not hub.faults


@pytest.mark.parametrize(
    ("thread", "what", "how"),
    [
        (ISSUE, "viewer", "data of words"),
        (ISSUE, "viewer", "list"),
        (ISSUE, "create", "list"),
        (ISSUE, "list", "object"),
        (DISCUSSION, "list", "data of words"),
        (DISCUSSION, "list", "open end"),
        (DISCUSSION, "create", "object"),
    ],
)
def test_who_never_answers_as_github_does_is_told_with_what_to_look_at(hub, thread, what, how):
    hub.faults.extend([(what, how)] * 9)
    if what == "viewer":
        hub.add(key(thread), US, TEXT)
    with pytest.raises(NetworkError, match="not as GitHub does") as unclear:
        post_once(github_at(hub), thread, MARK, "It is decided.")
    assert "GITHUB_API_URL" in unclear.value.hint
    assert hub.count("create") <= 5


def test_a_limit_whose_time_is_no_number_is_told(hub):
    hub.faults.append(("create", "strange limit"))
    with pytest.raises(RemoteError, match="HTTP 429"):
        post_once(github_at(hub), ISSUE, MARK, "It is decided.")


@pytest.mark.parametrize("kind", THREADS)
def test_many_faults_one_after_the_other_leave_exactly_one_comment(hub, kind):
    thread = THREADS[kind]
    hub.faults.extend(
        [
            ("list", "secondary limit"),
            ("list", "cut"),
            ("create", "error"),
            ("list", "error"),
            ("list", "reset"),
            ("create", "primary limit"),
            ("create", "stored silence"),
            ("list", "primary limit"),
        ]
    )
    post_once(github_at(hub), thread, MARK, "It is decided.")
    assert hub.of(key(thread)) == [TEXT]
    assert not hub.faults


@pytest.mark.parametrize("kind", THREADS)
def test_two_that_post_at_once_leave_one_comment(hub, kind):
    """Both have looked, and seen none, before either posts."""
    thread, ended = THREADS[kind], []
    hub.meeting = threading.Barrier(2)

    def post():
        patient = github_at(hub, each=2 * PATIENCE)
        ended.append(post_once(patient, thread, MARK, "It is decided."))

    both = [threading.Thread(target=post) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert hub.count("create") == 2
    assert hub.of(key(thread)) == [TEXT]
    assert len(ended) == 2


def test_a_second_one_whose_removal_fails_is_removed_at_the_next_look(hub):
    hub.add(key(ISSUE), US, TEXT)
    hub.add(key(ISSUE), US, TEXT)
    hub.faults.append(("delete", "error"))
    post_once(github_at(hub), ISSUE, MARK, "It is decided.")
    assert hub.of(key(ISSUE)) == [TEXT]


@pytest.mark.parametrize("kind", THREADS)
def test_a_comment_of_an_account_that_is_gone_is_none_of_ours(hub, kind):
    hub.add(key(THREADS[kind]), None, TEXT)
    post_once(github_at(hub), THREADS[kind], MARK, "It is decided.")
    assert hub.of(key(THREADS[kind])) == [TEXT]


def test_a_mark_within_a_text_is_no_mark(hub):
    hub.add(key(ISSUE), US, f"I quote:\n{TEXT}")
    hub.add(key(ISSUE), US, TEXT.replace("abc", "abd"))
    post_once(github_at(hub), ISSUE, MARK, "It is decided.")
    assert hub.of(key(ISSUE))[-1] == TEXT
    assert len(hub.of(key(ISSUE))) == 3


@pytest.mark.parametrize(
    ("thread", "fault", "status"),
    [
        (thread_named("issue", "acme/prompts#8"), "", 410),
        (thread_named("issue", "acme/prompts#6"), "", 404),
        (thread_named("issue", "acme/other#7"), "", 404),
        (thread_named("discussion", "acme/prompts#6"), "", 404),
        (ISSUE, "create forbidden", 403),
        (DISCUSSION, "create forbidden query", 403),
    ],
)
def test_a_refusal_is_told_and_not_repeated(hub, thread, fault, status):
    if fault:
        what, _, how = fault.partition(" ")
        hub.faults.append((what, how))
    github = github_at(hub)
    with pytest.raises(RemoteError) as refused:
        post_once(github, thread, MARK, "It is decided.")
    assert refused.value.status == status
    assert hub.count("create") == (1 if fault else 0)
    assert github.slept == []
    assert TOKEN not in str(refused.value)


def test_a_wrong_token_is_told(hub):
    environment = {"GITHUB_API_URL": hub.base, "GH_TOKEN": "wrong"}
    with pytest.raises(RemoteError, match="does not accept the token") as refused:
        GitHub(OwnRequests(github_host(environment))).get(
            "repos/acme/prompts/issues/7/comments"
        )
    assert refused.value.status == 401


def test_limits_are_waited_for_as_long_as_they_hold(hub):
    hub.faults.extend(
        [
            ("create", "primary limit"),
            ("create", "secondary limit"),
            ("create", "secondary limit in words"),
        ]
    )
    github = github_at(hub)
    post_once(github, ISSUE, MARK, "It is decided.")
    waits = github.slept
    assert 1.0 <= waits[0] <= 3.0  # until the time that was named
    assert waits[1] == 1.0 * 2  # as was asked for, twice as it came again
    assert waits[2] == 60.0 * 4  # a minute where nothing is said


def test_a_limit_that_ends_too_late_is_told_with_the_time(hub):
    hub.faults.append(("create", "secondary limit in words"))
    with pytest.raises(RateLimitError) as limited:
        post_once(github_at(hub, within=20.0), ISSUE, MARK, "It is decided.")
    assert limited.value.wait == 60.0
    assert hub.of(key(ISSUE)) == []


def test_nobody_there_is_told_within_the_time():
    environment = {"GITHUB_API_URL": "http://127.0.0.1:9", "GH_TOKEN": TOKEN}
    clock = Sleeper()
    github = GitHub(
        OwnRequests(github_host(environment)), within=5, clock=clock, sleep=clock.sleep
    )
    with pytest.raises(NetworkError, match="gave no whole answer"):
        post_once(github, ISSUE, MARK, "It is decided.")
    assert sum(clock.slept) < 5


@pytest.mark.parametrize(
    "text",
    [
        "acme/prompts",
        "acme/prompts#0",
        "a/b/c#1",
        "acme/..#1",
        "https://x/acme/prompts/issues/1x",
        "http://github.com/acme/prompts/issues/1",
        "https://github.com/acme/prompts/discussions/1",
    ],
)
def test_what_names_no_issue_is_refused(text):
    with pytest.raises(UsageError, match="OWNER/REPO#NUMBER"):
        thread_named("issue", text)


def test_addresses_of_threads_are_read():
    pull = thread_named("issue", "https://ghe.acme.io/acme/prompts/pull/12#issuecomment-1")
    assert (pull.host, pull.number, pull.kind) == ("ghe.acme.io", 12, "issue")
    assert str(pull) == "https://ghe.acme.io/acme/prompts/issues/12"
    assert str(ISSUE) == "acme/prompts#7"
    for number in ("7", "#7"):
        assert thread_named("issue", number, "acme/prompts") == ISSUE
    with pytest.raises(UsageError):
        thread_named("issue", "7")

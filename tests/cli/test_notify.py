"""`notify`: people are told once, of what stands, and only whom this machine's user named."""

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from tests.outbound.fake_github import TOKEN, US, fake_github
from tests.support.gfm import Rendered
from tests.support.http_server import answering, local_server

ISSUE, DISCUSSION = ("--issue", "acme/prompts#7"), ("--discussion", "acme/prompts#9")
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def hub(monkeypatch):
    with fake_github() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.base)
        monkeypatch.setenv("GH_TOKEN", TOKEN)
        yield server


@pytest.fixture
def decided(project):
    name = project.create()
    project.observe(name, 40)
    return name


def marks(bodies):
    return [body.split("event=")[1].split(" ")[0] for body in bodies]


def test_a_minimum_and_a_decision_are_told_once_each(project, hub):
    name = project.create()
    project.observe(name, 12, speed=1.0)
    project("notify", name, *ISSUE, *DISCUSSION)
    project.observe(name, 40)
    first = project("notify", name, *ISSUE, *DISCUSSION)
    again = project("notify", name, *ISSUE, *DISCUSSION, "--json").json
    for thread in (("issue", 7), ("discussion", 9)):
        assert marks(hub.of(thread)) == ["minimum", "promote"]
    assert {item["state"] for item in again["deliveries"]} == {"known"}
    assert "issuecomment" in first.out
    body = hub.of(("issue", 7))[1]
    assert "`duration_seconds`" in body
    assert "meta-experiment promote" in body


def test_where_a_decision_has_fallen_at_once_it_alone_is_told(project, decided, hub):
    project("notify", decided, *ISSUE, *DISCUSSION)
    for thread in (("issue", 7), ("discussion", 9)):
        assert marks(hub.of(thread)) == ["promote"]


def test_a_dry_run_prints_the_very_comment_and_sends_nothing(project, decided, hub):
    planned = project("notify", decided, *ISSUE, "--dry-run", "--json").json["deliveries"]
    shown = project("notify", decided, *ISSUE, "--dry-run").out
    assert hub.seen == []
    project("notify", decided, *ISSUE)
    assert [item["text"] for item in planned] == hub.of(("issue", 7))
    assert all(body in shown for body in hub.of(("issue", 7)))


def test_below_the_minimum_nothing_is_told_and_why_is(project, hub):
    name = project.create()
    project.observe(name, 3)
    said = project("notify", name, *ISSUE)
    assert "nothing to tell yet" in said.out
    assert hub.seen == []


def test_what_cannot_be_sent_waits_and_is_sent_once_later(project, decided, monkeypatch):
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    with fake_github() as hub:
        monkeypatch.setenv("GITHUB_API_URL", hub.base)
        hub.faults.extend([("list", "error")] * 9)
        waiting = project("notify", decided, *ISSUE, "--within", "2", "--json", code=1).json
        assert {item["state"] for item in waiting["deliveries"]} == {"queued"}
        hub.faults.clear()
        sent = project("notify", "--json").json["deliveries"]
        assert {item["state"] for item in sent} == {"sent"}
        assert marks(hub.of(("issue", 7))) == ["promote"]
        project("notify", decided, *ISSUE)
        assert len(hub.of(("issue", 7))) == 1


def test_a_decision_goes_in_the_place_of_a_minimum_that_waits(project, hub):
    name = project.create()
    project.observe(name, 12, speed=1.0)
    hub.faults.extend([("list", "error")] * 9)
    project("notify", name, *ISSUE, "--within", "1", code=1)
    hub.faults.clear()
    project.observe(name, 40)
    sent = project("notify", name, *DISCUSSION, "--json").json["deliveries"]
    assert [item["event"] for item in sent] == ["promote", "promote"]
    for thread in (("issue", 7), ("discussion", 9)):
        assert marks(hub.of(thread)) == ["promote"]
    assert "Nobody is to be told" in project("notify", code=2).err


def test_what_waits_for_one_host_goes_to_no_other(project, decided, monkeypatch, tmp_path):
    """Not to that of the environment of then, and not to the public one."""
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9/api/v3")
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", TOKEN)
    project("notify", decided, *ISSUE, "--keep", "--within", "2", code=1)
    asked = tmp_path / "asked"
    program = tmp_path / "gh"
    program.write_text(f'#!/bin/sh\necho "$@; $GH_ENTERPRISE_TOKEN" >>{asked}\nexit 4\n')
    program.chmod(0o755)
    with fake_github() as other:
        monkeypatch.setenv("GITHUB_API_URL", other.base)
        still = project("notify", "--json", code=1).json["deliveries"]
        assert other.headers == []
    monkeypatch.delenv("GITHUB_API_URL")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    still += project("notify", "--json", code=1).json["deliveries"]
    assert {item["state"] for item in still} == {"queued"}
    assert all("127.0.0.1:9" in item["reason"] for item in still)
    assert {item["target"] for item in still} == {"https://127.0.0.1:9/acme/prompts/issues/7"}
    lines = asked.read_text().splitlines()
    assert lines
    assert all("--hostname 127.0.0.1:9 " in line and TOKEN not in line for line in lines)


def test_what_was_sent_before_the_book_was_lost_is_found_again(project, decided, hub):
    project("notify", decided, *ISSUE)
    shutil.rmtree(project.root / ".claude/meta/local")
    project("notify", decided, *ISSUE)
    assert marks(hub.of(("issue", 7))) == ["promote"]


def test_a_comment_that_somebody_copied_does_not_keep_ours_back(project, decided, hub):
    planned = project("notify", decided, *ISSUE, "--dry-run", "--json").json["deliveries"]
    for item in planned:
        hub.add(("issue", 7), "mallory", item["text"])
    project("notify", decided, *ISSUE)
    assert marks(hub.of(("issue", 7), US)) == ["promote"]


def test_a_refusal_is_told_with_what_mends_it(project, decided, hub):
    hub.faults.append(("create", "forbidden"))
    both = (*ISSUE, *DISCUSSION)
    refused = project("notify", decided, *both, "--json", code=1).json["deliveries"]
    assert refused[0]["state"] == "refused"
    assert "issues: write" in refused[0]["reason"]
    assert [item["state"] for item in refused[1:]] == ["sent"]
    assert TOKEN not in json.dumps(refused)


def test_what_a_promotion_was_is_told_after_it(project, decided, hub):
    project("promote", decided, "--yes")
    project("notify", decided, *ISSUE)
    assert marks(hub.of(("issue", 7))) == ["promote"]
    assert "(promoted)" in hub.of(("issue", 7))[0]


def test_a_stop_by_hand_is_no_decision(project, decided, hub):
    project("stop", decided)
    project("notify", decided, *ISSUE)
    assert marks(hub.of(("issue", 7))) == ["minimum"]


def test_words_of_a_plan_call_nobody_and_make_no_mark(project, hub):
    name = project.create("--name", "@acme/all --> <!-- hey --> #1 [x](http://y)")
    project.observe(name, 12)
    project("notify", name, *ISSUE)
    for body in hub.of(("issue", 7)):
        head, _, rest = body.partition("\n")
        assert head.startswith("<!-- meta-experiment:notify v1 ")
        assert head.count("-->") == 1
        read = Rendered(rest)
        assert "@acme/all --> <!-- hey --> #1 [x](http://y)" in read.text
        assert (read.fires, read.comments) == ([], [])
        assert not {"a", "img"} & read.kinds


def test_targets_that_are_kept_are_told_by_auto_in_a_process_of_its_own(
    project, hub, monkeypatch
):
    name = project.create("--auto", start=False)
    project("start", name)
    kept = project("notify", name, *ISSUE, "--keep", "--json").json
    place = f"https://{hub.base.partition('://')[2]}/acme/prompts/issues/7"
    assert kept["kept"] == [{"experiment_id": name, "targets": [place]}]
    project.observe(name, 40)
    monkeypatch.setenv("META_EXPERIMENT_PYTHON", sys.executable)
    project("auto", "--no-commit")
    patience = time.monotonic() + 120
    while not hub.of(("issue", 7)):
        log = project.root / ".claude/meta/local/notify.log"
        assert time.monotonic() < patience, log.read_text() if log.exists() else "no log"
        time.sleep(0.05)
    assert marks(hub.of(("issue", 7))) == ["promote"]
    project("notify", name, "--forget")
    assert "Nobody is to be told" in project("notify", code=2).err


@pytest.mark.parametrize(
    ("verb", "speed", "told"), [("stop", 1.0, "minimum"), ("rollback", 1.5, "reject")]
)
def test_an_end_by_hand_tells_whom_is_kept(project, hub, monkeypatch, verb, speed, told):
    name = project.create()
    project("notify", name, *ISSUE, "--keep")
    project.observe(name, 12 if verb == "stop" else 40, speed=speed)
    monkeypatch.setenv("META_EXPERIMENT_PYTHON", sys.executable)
    project(verb, name)
    patience = time.monotonic() + 120
    while not hub.of(("issue", 7)):
        log = project.root / ".claude/meta/local/notify.log"
        assert time.monotonic() < patience, log.read_text() if log.exists() else "no log"
        time.sleep(0.05)
    assert marks(hub.of(("issue", 7))) == [told]


def test_what_was_told_is_forgotten_a_year_after_an_archived_end(project, decided, monkeypatch):
    project("notify", decided, "--terminal", "--keep")
    project("promote", decided, "--yes")
    project("archive", decided)
    book, now = project.root / ".claude/meta/local/notifications.json", time.time()
    monkeypatch.setattr(time, "time", lambda: now + 360 * 86_400)
    assert project("notify", "--json").json["deliveries"][0]["state"] == "known"
    assert decided in book.read_text()
    monkeypatch.setattr(time, "time", lambda: now + 370 * 86_400)
    assert project("notify", "--json").json["kept"] == []
    assert decided not in book.read_text()


def test_a_network_that_never_answers_delays_no_decision(project, monkeypatch):
    name = project.create("--auto", start=False)
    project("start", name)
    with fake_github() as hub:
        monkeypatch.setenv("GITHUB_API_URL", hub.base)
        monkeypatch.setenv("GH_TOKEN", TOKEN)
        project("notify", name, *ISSUE, "--keep")
        hub.faults.extend([("list", "silence")] * 9)
        monkeypatch.setenv("META_EXPERIMENT_PYTHON", sys.executable)
        project.observe(name, 40)
        project("auto", "--no-commit")
        assert project("status", name, "--json").json["experiments"][0]["status"] == "promoted"
        assert hub.of(("issue", 7)) == []


def test_targets_that_a_commit_brought_along_are_told_nothing(project, decided, hub):
    """The book of another checkout, or a forged one, is no book."""
    book = project.root / ".claude/meta/local/notifications.json"
    project("notify", decided, *ISSUE, "--keep")
    forged = book.read_text().replace("acme/prompts#7", "evil/prompts#7")
    book.write_text(forged)
    hub.seen.clear()
    assert "Nobody is to be told" in project("notify", code=2).err
    assert "Nobody is to be told" in project("notify", decided, code=2).err
    assert hub.seen == []


def begun(project, *words):
    """Start `notify` in a process of its own."""
    program = ["sh", REPOSITORY / "bin/meta-experiment", "notify", "--root", project.root]
    environment = {**os.environ, "META_EXPERIMENT_PYTHON": sys.executable}
    return subprocess.Popen(
        [*program, *words, "--json"], env=environment, stdout=subprocess.PIPE
    )


@pytest.mark.long
def test_who_is_killed_before_the_answer_came_tells_nobody_twice(project, decided, hub):
    hub.faults.append(("create", "stored silence"))
    process = begun(project, decided, *ISSUE)
    patience = time.monotonic() + 120
    while not hub.comments:
        assert time.monotonic() < patience
        time.sleep(0.01)
    process.kill()
    process.communicate()
    project("notify", "--json")
    project("notify", decided, *ISSUE)
    assert marks(hub.of(("issue", 7))) == ["promote"]
    assert hub.count("create") == 1


@pytest.mark.long
def test_two_at_once_on_one_machine_tell_once(project, decided, hub):
    """Processes of their own, as a session's `auto` and a person's call are."""
    both = [begun(project, decided, *ISSUE) for _ in range(2)]
    states = [
        item["state"]
        for process in both
        for item in json.loads(process.communicate(timeout=120)[0])["deliveries"]
    ]
    assert sorted(states) == ["known", "sent"]
    assert hub.count("create") == 1


class Receiver:
    """A webhook that answers with statuses in turn, and keeps what it got."""

    def __init__(self, *statuses):
        self.got, self.statuses = [], list(statuses)


@contextmanager
def receiver(*statuses):
    hook = Receiver(*statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.got.append((dict(self.headers), body))
            status = hook.statuses.pop(0) if hook.statuses else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://{self.headers['Host']}/inside")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server, url = local_server(Handler)
    hook.url = f"{url}/services/secret-part"
    with answering(server):
        yield hook


def test_a_webhook_gets_a_signed_document_with_a_key_that_stays(project, decided, monkeypatch):
    monkeypatch.setenv("META_EXPERIMENT_WEBHOOK_SECRET", "shared")
    with receiver(500) as hook:
        first = project("notify", decided, "--webhook", hook.url, "--json", code=1)
        assert [it["state"] for it in first.json["deliveries"]] == ["queued"]
        project("notify", decided, "--webhook", hook.url)
        project("notify", decided, "--webhook", hook.url)
        assert len(hook.got) == 2
        keys = [headers["Idempotency-Key"] for headers, _ in hook.got]
        assert keys[0] == keys[1]
        for headers, body in hook.got:
            digest = hmac.new(b"shared", body, hashlib.sha256).hexdigest()
            assert headers["X-Signature-256"] == f"sha256={digest}"
        told = json.loads(hook.got[1][1])
        assert told["event"] == "experiment.promote"
        assert told["experiment"] == decided
        assert "secret-part" not in first.out


def test_a_redirect_of_a_webhook_is_not_followed(project, decided):
    with receiver(302) as hook:
        refused = project("notify", decided, "--webhook", hook.url, "--json", code=1)
        assert {it["state"] for it in refused.json["deliveries"]} == {"refused"}
        assert len(hook.got) == 1


def test_a_desktop_is_told_by_its_own_program(project, decided, tmp_path, monkeypatch):
    program = tmp_path / "notify-send"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/shown\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    project("notify", decided, "--desktop")
    shown = (tmp_path / "shown").read_text()
    assert shown.count(f"{decided}: ") == 1
    assert "\n--\n" in shown


def test_a_terminal_is_told_in_one_line(project, decided):
    said = project("notify", decided, "--terminal").out
    assert "decided, PROMOTE" in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--issue", "acme/prompts"), "OWNER/REPO#NUMBER"),
        (("--webhook", "http://example.org/x"), "https://"),
        (("--webhook", "file:///etc/passwd"), "https://"),
        (("--keep",), "name whom to tell"),
    ],
)
def test_a_target_that_can_be_none_is_refused_before_anything_is_done(
    project, decided, words, expected
):
    assert expected in project("notify", decided, *words, code=2).err

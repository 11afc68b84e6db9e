"""Telemetry: everything on record once, in the standard's names, and no text of anybody."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.outbound.collector import collector
from tests.support.answer import Answer
from tests.support.readers import rotel

from meta_experiment.cli.main import main
from meta_experiment.files.installed import install_hint

PERSON = "somebody@example.org"


@pytest.fixture
def experiment(project):
    """An experiment with trials of two units, one in error, and a promotion."""
    name = project.create("--hypothesis", "A hypothesis that nobody is told")
    project("assign", name, "--unit", PERSON)
    metrics = ("--metric", "duration_seconds=12.5", "--metric", "input_tokens=100")
    project(
        "record", name, "--variant", "control", "--trial-id", "trial-1", *metrics,
        "--metric", "cache_read_tokens=900", "--metric", "output_tokens=40",
        "--metric", "cost_usd=0.25", "--fingerprint", "model=claude-sonnet-5",
    )  # fmt: skip
    project("record", name, "--variant", "treatment", "--trial-id", "trial-2", *metrics,
            "--status", "error")  # fmt: skip
    project.observe(name, 30)
    project("promote", name, "--yes", "--no-commit")
    return name


@pytest.fixture
def export(project, capsys):
    """Call the verb in the project and check its exit code, where one is expected."""

    def call(*arguments, code=0):
        capsys.readouterr()
        ended = main(["telemetry", "export", "--root", str(project.root), *map(str, arguments)])
        said = capsys.readouterr()
        assert code in (ended, None), said.err
        return Answer(ended, said.out, said.err)

    return call


def lines_of(said):
    return [json.loads(line) for line in said.splitlines()]


def test_events_are_lines_of_json_in_the_order_of_time(export, experiment):
    events = lines_of(export("--out", "-").out)
    kinds = {event["event"] for event in events}
    assert kinds == {
        "experiment.assigned", "experiment.exposed", "experiment.trial", "experiment.decided",
    }  # fmt: skip
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    first = next(event for event in events if event.get("run_id") == "trial-1"
                 and event["event"] == "experiment.trial")  # fmt: skip
    assert first["experiment"] == experiment
    assert first["variant"] == "control"
    assert first["metrics"]["output_tokens"] == 40
    assert first["model"] == "claude-sonnet-5"
    last = events[-1]
    assert (last["decision"], last["action"]) == ("PROMOTE", "promote")
    assert len({event["id"] for event in events}) == len(events)


@pytest.mark.usefixtures("experiment")
def test_no_text_and_no_name_of_anybody_is_told(project, export):
    said = export("--out", "-").out
    for text in (PERSON, "hypothesis", "Review", str(project.root)):
        assert text not in said


@pytest.mark.parametrize(("unit", "name"), [("session", "session"), ("invocation", "prompt")])
def test_an_id_that_the_client_drew_is_told_and_a_persons_is_not(project, export, unit, name):
    """It is what joins to the client's own telemetry."""
    made = project.create("--unit", unit)
    drawn = "e294dffc-fee7-432b-8b34-ba3f1fb4364f"
    for who in (drawn, PERSON, drawn.upper(), f"{drawn}\n"):
        project("assign", made, "--unit", who)
    told = lines_of(export("--out", "-").out)
    assert {event.get(f"{name}_id") for event in told} == {drawn, None}
    assert {event["variant"] for event in told if event.get(f"{name}_id")}
    other = {"session": "prompt_id", "prompt": "session_id"}[name]
    assert not any(other in event for event in told)


def test_a_file_gets_what_is_new_and_begins_anew_when_it_is_gone(project, export, experiment):
    out = project.root / "events.jsonl"
    first = export("--out", out, "--json").json
    size = out.stat().st_size
    assert sum(first["sent"].values()) == len(out.read_text().splitlines())
    assert export("--out", out, "--json").json["sent"] == {}
    assert out.stat().st_size == size
    project("rollback", experiment, "--yes", "--no-commit")
    assert export("--out", out, "--json").json["sent"] == {"experiment.decided": 1}
    told = out.read_text()
    out.unlink()
    export("--out", out)
    assert sorted(out.read_text().splitlines()) == sorted(told.splitlines())


@pytest.fixture
def endpoint(monkeypatch):
    with collector() as collected:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collected.url)
        yield collected


def test_otlp_speaks_the_standards_names(export, experiment, endpoint):
    export("--otlp")
    drawn = endpoint.named("feature_flag.evaluation")
    assert drawn[0]["feature_flag.key"] == drawn[0]["experiment.name"] == experiment
    assert drawn[0]["feature_flag.result.variant"] == drawn[0]["experiment.variant"]
    assert drawn[0]["feature_flag.result.reason"] == "split"
    assert drawn[0]["experiment.run_count"] == 1
    assert endpoint.named("meta_experiment.exposure")
    (decided,) = endpoint.named("meta_experiment.decision")
    assert decided["meta_experiment.decision"] == "PROMOTE"
    trial = next(it for it in endpoint.trials() if it["meta_experiment.trial.id"] == "trial-1")
    assert trial["gen_ai.usage.input_tokens"] == 1000  # cached ones included
    assert trial["gen_ai.usage.cache_read.input_tokens"] == 900
    assert trial["gen_ai.usage.output_tokens"] == 40
    assert trial["gen_ai.request.model"] == "claude-sonnet-5"
    assert trial["gen_ai.provider.name"] == "anthropic"
    assert trial["meta_experiment.metric.cost_usd"] == 0.25
    assert {it["service.name"] for it in endpoint.resources} == {"meta-experiment"}
    assert {url for url, _ in endpoint.spans + endpoint.logs} == {
        "https://opentelemetry.io/schemas/1.40.0"
    }
    statuses = {span.status.code for _, span in endpoint.spans}
    assert statuses == {0, 2}
    told = b"".join(endpoint.bodies)
    for text in (PERSON, "hypothesis", "Review"):
        assert text.encode() not in told


@pytest.mark.usefixtures("experiment")
def test_what_did_not_arrive_goes_with_the_next_export_under_the_same_ids(export, endpoint):
    endpoint.statuses = [400]
    failed = export("--otlp", "--json", code=1).json
    assert failed["sent"] == {}
    assert failed["waiting"] > 60
    endpoint.statuses = [200, 400]
    export("--otlp", "--json", code=1)
    first = {span.span_id for _, span in endpoint.spans}
    export("--otlp")
    assert {span.span_id for _, span in endpoint.spans} == first
    assert len(endpoint.spans) == 2 * len(first)
    seen = len(endpoint.bodies)
    export("--otlp")
    assert len(endpoint.bodies) == seen


@pytest.mark.usefixtures("experiment")
def test_a_dead_endpoint_takes_no_longer_than_it_may(export, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    failed = export("--otlp", "--within", "1", "--json", code=1).json
    assert "took no events" in failed["reason"]


@pytest.mark.usefixtures("experiment")
def test_it_is_off_unless_it_is_switched_on(project, endpoint, monkeypatch):
    project("auto")
    assert endpoint.bodies == []
    assert not (project.root / ".claude/meta/local/telemetry.log").exists()
    monkeypatch.setenv("META_EXPERIMENT_PYTHON", sys.executable)
    monkeypatch.setenv("META_EXPERIMENT_TELEMETRY", "otlp")
    project("auto")
    patience = time.monotonic() + 120
    while not endpoint.named("meta_experiment.decision"):
        assert time.monotonic() < patience
        time.sleep(0.05)


@pytest.mark.usefixtures("experiment")
def test_the_switch_of_the_sdk_is_honoured(export, endpoint, monkeypatch):
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert "OTEL_SDK_DISABLED" in export("--otlp", code=1).err
    assert endpoint.bodies == []


@pytest.mark.usefixtures("experiment")
def test_without_the_sdk_it_is_said_what_to_install(export, endpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    said = export("--otlp", "--json", code=1).error
    assert said["kind"] == "dependency"
    assert said["hint"] == install_hint("telemetry")
    assert endpoint.bodies == []


def test_a_destination_is_asked_for(export):
    assert "--otlp" in export(code=2).err
    both = export("--otlp", "--out", "-", code=2)
    assert "Name one" in both.err


@pytest.mark.long
@pytest.mark.usefixtures("experiment")
def test_no_command_but_the_export_loads_the_sdk(project):
    """It takes longer to load than most commands take."""
    code = (
        "import sys; from meta_experiment.cli.main import main; "
        "main(['auto', '--root', sys.argv[1]]); "
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    scripts = Path(__file__).parents[2] / "scripts"
    environment = {**os.environ, "PYTHONPATH": str(scripts)}
    command = [sys.executable, "-c", code, project.root]
    subprocess.run(command, env=environment, check=True, capture_output=True)


@pytest.mark.long
@pytest.mark.usefixtures("experiment")
def test_a_real_collector_takes_it_and_hands_it_on(export, tmp_path, monkeypatch):
    """Rotel, a collector of its own make, in between: what comes out of it is decoded."""
    ports = _free_ports(3)
    with collector() as behind:
        command = [
            rotel(), "start", "--otlp-http-endpoint", f"127.0.0.1:{ports[0]}",
            "--otlp-grpc-endpoint", f"127.0.0.1:{ports[1]}", "--exporter", "otlp",
            "--otlp-exporter-endpoint", behind.url, "--otlp-exporter-protocol", "http",
        ]  # fmt: skip
        log = (tmp_path / "rotel.log").open("wb")
        agent = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
        try:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{ports[0]}")
            _until(lambda: export("--otlp", code=None).code == 0)
            _until(lambda: behind.named("meta_experiment.decision") and behind.spans)
        finally:
            agent.terminate()
            agent.wait(20)
            log.close()
        trial = next(
            it for it in behind.trials() if it["meta_experiment.trial.id"] == "trial-1"
        )
        assert trial["experiment.variant"] == "control"
        assert trial["gen_ai.usage.input_tokens"] == 1000
        assert behind.named("feature_flag.evaluation")


def _free_ports(many):
    import socket

    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(many)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def _until(met, within=240):
    end = time.monotonic() + within
    while not met():
        assert time.monotonic() < end
        time.sleep(0.1)

"""Every parser of something from outside, with inputs for it and what must hold of its answer.

Each entry gives a strategy and a function. The function may end in an error of the one
exception tree and in no other; where it returns, it has checked that what was read is what
stood there (round trips, lines accounted for).
"""

import contextlib
import itertools
import json
import math
import os
import tempfile
from functools import partial
from pathlib import Path

import yaml
from hypothesis import strategies as st
from tests.fuzz.junk import TEXTS, damaged, documents, encoded
from tests.fuzz.samples import (
    ASSIGNED,
    CASE_YAML,
    CASES,
    ENTRY,
    EVENTS,
    HOOKS,
    PLAN,
    PROMPT_ID,
    PROMPTS,
    RECORD,
    REGISTRIES,
    SOURCES,
    TABLES,
    TRANSCRIPT,
)
from tests.logs import counting, own_log
from tests.logs import sequence as shared_sequence
from tests.sealing import own_seal

from meta_experiment.deploy.journal import Journal
from meta_experiment.errors import MetaExperimentError
from meta_experiment.files.confine import confined, safe_component
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.read_only import ReadOnlyFileSystem
from meta_experiment.files.roots import Layout
from meta_experiment.live import arguments
from meta_experiment.model.plan_document import plan_from_document, plan_to_document
from meta_experiment.model.registry import decode_registry, encode_registry
from meta_experiment.prompts.frontmatter import read_frontmatter
from meta_experiment.protocol import index, json_text, sequence
from meta_experiment.protocol.seal import Seal
from meta_experiment.runs import globs
from meta_experiment.runs.cases.forms import read_cases
from meta_experiment.services.board.board import board
from meta_experiment.services.find import find
from meta_experiment.services.planning import request
from meta_experiment.services.recording import recording
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.results.reading import read_source
from meta_experiment.sources.results.run_table import RowOptions
from meta_experiment.store.fold import identifiers
from meta_experiment.store.local import aside, assignments
from meta_experiment.store.local.health import same_trials
from meta_experiment.store.local.history import read_history
from meta_experiment.store.local.reading.summaries import load_trials
from meta_experiment.store.local.reading.trials import read_trials
from meta_experiment.store.trial_log import AssignedTrial
from meta_experiment.transcripts import transcript
from meta_experiment.transcripts.measure import measure, span
from meta_experiment.transcripts.prices import load_prices


def registry(data):
    read = decode_registry(data)
    again = encode_registry(read)
    assert encode_registry(decode_registry(again)) == again


def plan(document):
    read = plan_from_document(document)
    assert plan_from_document(plan_to_document(read)) == read


def plan_file(data):
    with scratch() as root:
        path = root / "plan.yaml"
        path.write_bytes(data)
        wanted = request.from_plan(request.read_plan(path), root)
        for item in wanted.variant_files:
            assert root in item.source.parents
        plan_from_document({"name": "n", "hypothesis": "h"} | wanted.document)


def trial_lines(data):
    with scratch() as root:
        path = own_log(root, "e", "w.jsonl", data)
        log = read_trials(Layout(root), counting(root), "e")
        lines = path.read_bytes().split(b"\n")[:-1]
        assert log.set_aside_count < len(lines)
        assert all(2 <= item.line_number <= len(lines) for item in log.set_aside)
        for trial in log.trials:
            assert trial.trial_id
            assert all(math.isfinite(value) for value in trial.metrics.values())
        wanted = {item.line_number for item in log.set_aside}
        for line in aside.raw_lines(path, wanted):
            assert lines[line.number - 1] == line.head
            wanted.discard(line.number)
        assert not wanted


def assignment_line(text):
    parsed = sequence.parse_assignment(text)
    if parsed is None:
        return
    count, (trial_id, variant, unit, seconds) = parsed
    drawn = AssignedTrial(unit, variant, trial_id, None, repeated=False)
    again = assignments._line(count, identifiers.unit_key(unit), drawn, seconds).decode()
    assert sequence.parse_assignment(again.removesuffix("\n")) == parsed


def assignment_file(raw):
    """A later unit gets a variant, an earlier one keeps its own, whatever else stands there."""
    data, unit = raw
    with scratch() as root:
        layout = Layout(root)
        own_log(root, "e", shared_sequence(root, "e").name, data)
        ids = itertools.count()
        one, two = (
            assignments.assign(
                layout,
                FileSystem(),
                own_seal(root),
                "e",
                unit,
                lambda position: "ab"[position % 2],
                at=1.0,
                new_id=lambda: f"t{next(ids)}",
                wait=5,
            )
            for _ in range(2)
        )
        assert (one.variant, one.position) == (two.variant, two.position)
        assert two.repeated
        read_trials(layout, counting(root), "e")


def summary(raw):
    """A damaged summary changes nothing: the logs are read instead."""
    start, piece, cut = raw
    with scratch() as root:
        layout = Layout(root)
        lines = [
            json.dumps(
                EVENTS[2] | {"trial_id": f"t{number}", "metrics": {"duration_seconds": number}}
            )
            for number in range(700)
        ]
        own_log(root, "e", "w.jsonl", "\n".join(lines) + "\n")
        known = counting(root)
        load_trials(layout, FileSystem(), known, "e")
        path = layout.summaries("e")
        data = path.read_bytes()
        place = start % len(data)
        path.write_bytes(
            data[:place] if cut else data[:place] + piece + data[place + len(piece) :]
        )
        found = load_trials(layout, ReadOnlyFileSystem(), known, "e")
        assert same_trials(found, read_trials(layout, known, "e"))


def board_file(document):
    """Status answers the same from a spoiled board as without one, or with an error."""
    with scratch() as root:
        layout = Layout(root)
        layout.meta.mkdir(parents=True)
        layout.registry.write_bytes(
            encode_registry(decode_registry(json.dumps(REGISTRIES[0]).encode()))
        )
        board(
            layout,
            lambda: 2e9,
            lambda: Workspace.open(layout, lambda: 2e9),
            None,
            archived=True,
        )
        mark, *lines = layout.board.read_bytes().split(b"\n")
        spoiled = [json.dumps(document(json.loads(line))).encode() for line in lines]
        layout.board.write_bytes(b"\n".join([mark, *spoiled]))
        board(
            layout,
            lambda: 2e9,
            lambda: Workspace.open(layout, lambda: 2e9),
            None,
            archived=True,
        )


def frontmatter(data):
    read = read_frontmatter(data)
    assert read.error is None or not read.fields


def journal(document):
    with scratch() as root:
        seal = Seal(b"5" * 64, "here")
        kept = Journal(FileSystem(), root / "journal", seal)
        kept.write(RECORD)
        path = kept.path("c0ffee")
        known = json.loads(path.read_bytes().partition(b"\n")[2])
        changed = json.dumps(document(known)).encode()
        path.write_bytes(changed)
        assert kept.look().strange == (path,)
        path.write_bytes(seal.wrap("journal c0ffee", changed))
        for record in kept.look().records:
            assert record.change_id == "c0ffee"
            safe_component(record.experiment_id)
            for step in record.steps:
                confined(root, step.path)


def history(data):
    with scratch() as root:
        path = Layout(root).history("e")
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        read = read_history(Layout(root), "e")
        assert len(read.entries) + len(read.set_aside) <= data.count(b"\n")


def imported(raw):
    name, data = raw
    with scratch() as root:
        (root / name).write_bytes(data)
        for run in read_source(root / name, name, RowOptions()).runs:
            assert all(math.isfinite(value) for value in run.metrics.values())


def cases(raw):
    name, data = raw
    with scratch() as root:
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        read = read_cases(path if path.parent == root else path.parent)
        assert len({case.case_id.casefold() for case in read}) == len(read) > 0
        for case in read:
            assert case.prompt.strip()
            assert not any(map(globs.fault, case.files))
            assert all(item.weight > 0 for item in case.criteria)
            assert len({item.name for item in case.criteria}) == len(case.criteria)


def observations(data):
    experiments = decode_registry(json.dumps(REGISTRIES[0]).encode())
    for document in recording.parse_lines(data.splitlines(keepends=True)):
        checked = recording._checked(partial(find, experiments), document, "line")
        assert all(math.isfinite(value) for value in checked.metrics.values())


def path_text(text):
    with scratch() as root:
        place = confined(root, text)
        assert os.path.normpath(place) == str(place)
        assert root in place.parents


def index_line(text):
    entry = index.parse_entry(text)
    if entry is not None:
        again = index.parse_entry(index.format_entry(entry))
        assert again is not None
        assert again.id == entry.id


def live_json(text):
    with contextlib.suppress(ValueError):
        value = json_text.parse(text)
        assert repr(value) == repr(json.loads(text))


def live_transcript(data):
    read = transcript.read_lines(data.splitlines(keepends=True))
    found = span(read, PROMPT_ID, frozenset())
    if found is not None:
        measured = measure(found, prices=PRICES)
        assert all(math.isfinite(value) for value in measured.metrics.values())


def live_arguments(raw):
    body, text, names = raw
    arguments.substitute(
        body, arguments.Substitutes(text, names, {"CLAUDE_SESSION_ID": "s"}), 1_000
    )


def live_hook(document):
    """A hook answers or is silent; it never raises and never prints what is no JSON."""
    from meta_experiment.live import hooks

    with scratch() as root:
        raw = {
            key: str(root)
            if key in ("cwd", "transcript_path") and isinstance(value, str)
            else value
            for key, value in document.items()
        }
        source, target = root / "in", root / "out"
        source.write_bytes(json.dumps(raw).encode())
        with redirected(source, target):
            assert hooks.main() == 0
        printed = target.read_bytes()
        assert not printed or json.loads(printed)


@contextlib.contextmanager
def redirected(source, target):
    """Let the descriptors 0 and 1 be these files for a while."""
    kept = os.dup(0), os.dup(1)
    opened = os.open(source, os.O_RDONLY), os.open(target, os.O_WRONLY | os.O_CREAT)
    try:
        for number, descriptor in enumerate(opened):
            os.dup2(descriptor, number)
        yield
    finally:
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
        for descriptor in (*kept, *opened):
            os.close(descriptor)


@contextlib.contextmanager
def scratch():
    """A folder of its own, in memory where the system has such a place."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


PRICES = load_prices("", {})


def lines_of(events):
    return st.lists(encoded(events), max_size=6).map(
        lambda items: b"".join(i + b"\n" for i in items)
    )


@st.composite
def changes_of(draw):
    """A function that spoils a document which the program has written."""

    def spoil(known):
        return draw(documents([known]))

    return spoil


PARSERS = {
    "registry": (encoded(documents(REGISTRIES)), registry),
    "plan": (documents([PLAN]), plan),
    "plan file": (
        damaged(
            documents([PLAN | {"files": {"a.md": "b.md"}}]).map(
                lambda d: yaml.safe_dump(d).encode("utf-8", "replace")
            )
        ),
        plan_file,
    ),
    "cases": (st.tuples(st.just("cases.json"), encoded(documents(CASES))), cases),
    "folder of a case": (
        st.tuples(
            st.sampled_from(["greet/case.yaml", "greet/prompt.md"]),
            damaged(
                documents([CASE_YAML]).map(
                    lambda d: yaml.safe_dump(d, sort_keys=False).encode("utf-8", "replace")
                )
            ),
        ),
        cases,
    ),
    "trial lines": (lines_of(documents(EVENTS)), trial_lines),
    "assignment line": (
        st.sampled_from(ASSIGNED)
        .flatmap(lambda line: damaged(st.just(line.encode())))
        .map(lambda b: b.decode("utf-8", "replace")),
        assignment_line,
    ),
    "assignment file": (
        st.tuples(
            damaged(
                st.lists(st.sampled_from(ASSIGNED), max_size=4).map(
                    lambda items: "".join(f"{i}\n" for i in items).encode()
                )
            ),
            st.text(min_size=1, max_size=5),
        ),
        assignment_file,
    ),
    "summary": (
        st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=9), st.booleans()),
        summary,
    ),
    "board": (changes_of(), board_file),
    "frontmatter": (damaged(st.sampled_from(PROMPTS)), frontmatter),
    "journal": (changes_of(), journal),
    "history": (
        lines_of(
            documents(
                [
                    {
                        "at": 1.0,
                        "verb": "v",
                        "before": None,
                        "after": "running",
                        "reason": "",
                        "detail": {},
                    }
                ]
            )
        ),
        history,
    ),
    "imports": (
        st.sampled_from(SOURCES).flatmap(
            lambda item: encoded(documents([item[1]])).map(lambda data: (item[0], data))
        ),
        imported,
    ),
    "tables": (
        st.tuples(
            st.sampled_from(["r.csv", "r.txt"]),
            st.sampled_from(TABLES).flatmap(
                lambda text: st.sampled_from(
                    ["utf-8", "utf-8-sig", "utf-16", "cp1252"]
                ).flatmap(lambda code: damaged(st.just(text.encode(code))))
            ),
        ),
        imported,
    ),
    "observations": (
        lines_of(
            documents(
                [
                    {
                        "experiment": "exp-1",
                        "variant": "control",
                        "metrics": {"duration_seconds": 1},
                    }
                ]
            )
        ),
        observations,
    ),
    "paths": (TEXTS | st.lists(TEXTS, max_size=4).map("/".join), path_text),
    "active index": (
        damaged(st.just(ENTRY.encode())).map(lambda b: b.decode("utf-8", "replace")),
        index_line,
    ),
    "hook JSON": (
        encoded(documents([*EVENTS, PLAN])).map(lambda b: b.decode("utf-8", "replace")),
        live_json,
    ),
    "hook input": (documents(HOOKS), live_hook),
    "transcript": (lines_of(documents(TRANSCRIPT)), live_transcript),
    "arguments": (
        st.tuples(
            st.text("$0123ARGUMENTS[]{}nabc\\ \n`!", max_size=60),
            st.text(max_size=20),
            st.lists(st.text("nabc", min_size=1, max_size=3), max_size=3),
        ),
        live_arguments,
    ),
}


def check(name, raw):
    """Let a parser read an input; only the one exception tree may come out."""
    with contextlib.suppress(MetaExperimentError):
        PARSERS[name][1](raw)

"""Lines of our own are read fast, and to the same result as one by one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logs import own_log
from tests.store.making import read_trials, recorded, write_log
from tests.store.plain_fold import plain_trials

from meta_experiment.files.roots import Layout
from meta_experiment.store.fold import own_lines
from meta_experiment.store.fold.events import encode_event
from meta_experiment.store.fold.fold import Fold
from meta_experiment.store.fold.names import NamePool
from meta_experiment.store.trial_log import EventKind, TrialEvent
from meta_experiment.types import TrialStatus

OWN = [f"{number:016x}" for number in (0, 1, 2**21, 2**42, 2**64 - 1, 2**63)]
OTHERS = ["t-1", "0123456789ABCDEF", "toolu_01", "x" * 16, "é"]
UNITS = [None, OWN[0], "t-1", "session-1", "5f2c1b8e-0000-4000-8000-000000000000"]
METRICS = ["duration_seconds", "output_tokens", "cost_usd"]
COVARIATES = ["argument_length", "cost_usd"]

numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**33), 2**70),
    st.just(-(2**31)),
    st.floats(-1e3, 1e3),
    st.sampled_from([0.0, -0.0, 1e-7, 1e300, 2.0**53]),
)
outcomes = st.builds(
    lambda trial, at, variant, unit, status, metrics, covariates, model: encode_event(
        recorded(
            trial,
            at,
            variant,
            unit,
            status=status,
            metrics=metrics,
            covariates=covariates,
            fingerprint={"model": model} if model else {},
        )
    ),
    st.sampled_from(OWN + OTHERS),
    st.sampled_from([0, 1.5, 2, 3.25, 1e9]),
    st.sampled_from(["control", "treatment"]),
    st.sampled_from(UNITS),
    st.sampled_from([*TrialStatus, None]),
    st.dictionaries(st.sampled_from(METRICS), numbers, max_size=3),
    st.dictionaries(st.sampled_from(COVARIATES), numbers, max_size=2),
    st.sampled_from(["", "m1", "m2"]),
)
marks = st.builds(
    lambda kind, trial, at, unit: encode_event(
        TrialEvent(
            kind,
            at,
            trial,
            "control",
            unit,
            reason="why" if kind is EventKind.EXCLUDED else None,
        )
    ),
    st.sampled_from([EventKind.ASSIGNED, EventKind.EXPOSED, EventKind.EXCLUDED]),
    st.sampled_from(OWN + OTHERS),
    st.sampled_from([0, 1.5, 2, 3.25, 1e9]),
    st.sampled_from(UNITS),
)
good = encode_event(recorded(OWN[0], 1.5, metrics={"duration_seconds": 1.25, "n": 3}))
damaged = st.builds(
    lambda at, byte: good[:at] + bytes([byte]) + good[at + 1 :],
    st.integers(0, len(good) - 2),
    st.sampled_from(b'\n\t"{}[],:\\ 0tf-e.\xff'),
)
torn = st.integers(0, len(good) - 1).map(lambda at: good[:at] + b"\n")
lines = st.one_of(outcomes, outcomes, outcomes, marks, damaged, torn)
assignments = st.builds(
    lambda count, unit, trial, at: f"{count}\t{unit}\tcontrol\t{trial}\t{at}\n".encode(),
    st.integers(0, 5),
    st.sampled_from([unit for unit in UNITS if unit]),
    st.sampled_from(OWN + OTHERS),
    st.integers(0, 3000),
)


def compare(layout, files):
    """Read the files both ways."""
    for name, data in files.items():
        own_log(layout.root, "e", name, data)
    log = read_trials(layout, "e")
    trials, refused, conflicts = plain_trials(files)
    assert list(log.trials) == trials
    assert log.set_aside_count == refused
    assert log.conflict_count == len(conflicts)
    assert sorted(it.sentence for it in log.conflicts) == sorted(
        f"trial {trial_id}: two values of {what}; the first is kept"
        for trial_id, what in conflicts
    )


@pytest.mark.long
@settings(max_examples=100, deadline=None)
@given(
    st.lists(lines, max_size=30),
    st.lists(outcomes, max_size=30),
    st.lists(assignments, max_size=8),
)
def test_same_as_one_by_one(tmp_path_factory, first, second, sequence):
    """Whatever stands in the logs, the result is that of a plain reading."""
    files = {
        "assignments.1.tsv": b"".join(sequence),
        "h-0.jsonl": b"".join(first),
        "h-1.jsonl": b"".join(second),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_lines, "_FEW", 1)
        compare(Layout(tmp_path_factory.mktemp("root")), files)


def big(rng, lines, metrics=METRICS, ids=None):
    """A log of thousands of lines in which trials come back, disagree and come late."""
    ids = ids or [f"{rng.getrandbits(64):016x}" for _ in range(lines)]
    pieces = []
    for index in range(lines):
        trial = ids[index] if rng.random() < 0.97 else rng.choice(ids)
        measured = {name: round(rng.lognormvariate(3, 1), 3) for name in metrics}
        measured |= {"n": rng.randrange(9)}
        if rng.random() < 0.01:
            measured.pop(rng.choice(list(measured)))
        event = recorded(
            trial,
            1e9 + index + rng.random(),
            "control" if rng.random() < 0.95 else "treatment",
            metrics=measured,
        )
        pieces.append(encode_event(event))
        if rng.random() < 0.002:
            pieces.append(b'{"event":"recorded","at":1,"tri\n')
    return b"".join(pieces)


@pytest.mark.long
def test_same_over_many_blocks(layout):
    """Thousands of lines with repeats, gaps and damage give what a plain reading gives."""
    rng = random.Random(7)  # noqa: S311
    ids = [f"{rng.getrandbits(64):016x}" for _ in range(2000)]
    sequence = "".join(
        f"{number + 1}\tcall-{trial}\tcontrol\t{trial}\t{(10**9 + number) * 1000}\n"
        for number, trial in enumerate(ids)
    )
    compare(
        layout,
        {
            "assignments.1.tsv": sequence.encode(),
            "h-0.jsonl": big(rng, 2000, ids=ids),
            "h-1.jsonl": big(rng, 2000),
        },
    )


def test_own_lines_take_the_fast_way(layout, monkeypatch):
    """What our own writers write is never decoded line by line."""
    rng = random.Random(8)  # noqa: S311
    text = b"".join(
        encode_event(
            recorded(
                f"{rng.getrandbits(64):016x}",
                1e9 + index / 7,
                unit=unit and f"{unit}-{index}",
                metrics={"duration_seconds": index / 3, "output_tokens": index},
                fingerprint=fingerprint,
            )
        )
        for unit, fingerprint in [(None, {}), ("session", {"model": "m"})]
        for index in range(2000)
    )
    write_log(layout, text)
    slow = []
    monkeypatch.setattr(Fold, "take", lambda *given: slow.append(given))
    monkeypatch.setattr(Fold, "enter", lambda *given: slow.append(given))
    assert len(read_trials(layout, "e").trials) == 4000
    assert not slow


@pytest.mark.parametrize(
    ("ours", "other"),
    [
        ('"n":3', '"n":true'),
        ('"n":3', '"n":null'),
        ('"n":3', '"n":"3"'),
        ('"n":3', '"n":[3]'),
        ('"n":3', '"n":1e999'),
        ('"n":3', '"n":03'),
        ('"n":3', '"n":NaN'),
        ('"n":3', '"n": 3 '),
        ('"n":3', '"n":3,"n":4'),
        ('"n":3', '"":3'),
        ('"n":3', '"n":{"a":1}'),
        ('"at":1.5', '"at":true'),
        ('"at":1.5', '"at":-1'),
        ('"at":1.5', '"at":1e12'),
        ('"at":1.5', '"at":[1]'),
        ('"variant":"control"', '"variant":""'),
        ('"variant":"control"', '"variant":"con\ttrol"'),
        ('"variant":"control"', '"variant":"control","unit":"a\x7fb"'),
        ('"variant":"control"', '"variant":"control","unit":""'),
        ('"variant":"control"', '"variant":"control","unit":null'),
        ('"status":"ok"', '"status":"fine"'),
        ('"status":"ok"', '"status":null'),
        ("}}", '},"fingerprint":{"model":1}}'),
        ("}}", '},"fingerprint":{"":"m"}}'),
        ("}}", '},"fingerprint":{"model":"m"},"metrics":{}}'),
        ("}}", '},"more":1}'),
        ("}}", "}}}"),
        ("}}", "}"),
        (OWN[0], "x" * 4097),
        (OWN[0], OWN[0].upper().replace("0", "A")),
    ],
)
def test_almost_ours_is_told_apart(layout, ours, other):
    """A block whose every line differs from ours in the same way gets the full check."""
    line = good.decode().replace(ours, other)
    assert line != good.decode()
    compare(layout, {"h-0.jsonl": line.encode() * 3, "h-1.jsonl": good + line.encode()})


def test_code_of_our_own_is_not_taken_for_the_hash_of_a_text():
    """A name of ours that is spelled like another's hash is another name."""
    pool = NamePool()
    other = pool.number("another's")
    own = f"{pool.codes[other]:016x}"
    assert pool.find(own) == -1
    assert list(pool.numbers([own, own])) == [1, 1]
    assert [pool.name(number) for number in (0, 1)] == ["another's", own]
    again = NamePool()
    assert list(again.numbers([own])) == [0]
    assert again.number("another's") == 1

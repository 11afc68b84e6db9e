"""Two registries that grew apart: what either side has is kept, and the later state stands."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.making import experiment

from meta_experiment.errors import ConflictError, CorruptStoreError
from meta_experiment.model.open_merge import MergeSides, has_marks, marked_sides
from meta_experiment.model.registry import decode_registry, encode_registry
from meta_experiment.model.registry_merge import merge_registries
from meta_experiment.types import Amendment, EndedArm, Status

A, B, C = (experiment(f"exp-{letter}") for letter in "abc")
RUNNING = replace(A, status=Status.RUNNING, started=2e9)
PAUSED = replace(RUNNING, status=Status.PAUSED)
EXPIRED = replace(RUNNING, status=Status.EXPIRED, ended=3e9)


def reached(item):
    return item.ended or item.started or item.created


def merged(base, ours, theirs, put_away=(), when=reached):
    return merge_registries(base, ours, theirs, when, put_away)


def test_what_one_side_made_or_changed_is_taken():
    found = merged([A], [RUNNING, B], [A, C])
    assert (found.experiments, found.notes) == ((RUNNING, B, C), ())
    found = merged([A], [A, B], [RUNNING, C])
    assert (found.experiments, found.notes) == ((RUNNING, B, C), ())


def test_what_one_side_put_away_is_out_unless_the_other_changed_it():
    assert merged([A, B], [A], [A, B]).experiments == (A,)
    assert merged([A, B], [B], [RUNNING, B]).experiments == (B, RUNNING)


def test_without_a_base_the_archive_tells_what_was_put_away():
    assert merged(None, [A], [A, B]).experiments == (A, B)
    assert merged(None, [A], [A, B], put_away={"exp-b"}).experiments == (A,)


@pytest.mark.parametrize("sides", [(PAUSED, EXPIRED), (EXPIRED, PAUSED)])
def test_of_two_states_the_later_stands_and_is_told(sides):
    found = merged([RUNNING], *([side] for side in sides))
    assert found.experiments == (EXPIRED,)
    assert "expired came last and stands, not paused" in found.notes[0]
    times = {Status.PAUSED: 4e9, Status.EXPIRED: 3e9}
    found = merged([RUNNING], *([it] for it in sides), when=lambda item: times[item.status])
    assert found.experiments == (PAUSED,)


def test_plan_state_and_arms_are_merged_each_by_itself():
    told = Amendment(2.5e9, "improvement_threshold", 15.0, 10.0, "because", 0)
    amended = replace(RUNNING, plan_sha256="2" * 64, amendments=(told,))
    arm = EndedArm("treatment", 2.6e9, None, "harm")
    found = merged([RUNNING], [amended], [replace(PAUSED, ended_arms=(arm,))])
    assert found.experiments == (replace(amended, status=Status.PAUSED, ended_arms=(arm,)),)
    assert found.notes == ()


def test_begun_on_both_it_runs_since_the_first():
    later = replace(RUNNING, started=2.1e9)
    assert merged([A], [later], [RUNNING]).experiments == (RUNNING,)


def test_two_experiments_of_one_id_are_not_merged():
    with pytest.raises(ConflictError, match="these are two"):
        merged([], [A], [replace(A, created=1.8e9)])
    assert merged([], [A], [A]).experiments == (A,)


@given(
    st.lists(st.sampled_from("abcdef"), unique=True),
    st.lists(st.sampled_from("abcdef"), unique=True),
    st.lists(st.sampled_from("abcdef"), unique=True),
)
def test_nothing_new_is_ever_lost(known, mine, theirs):
    made = {letter: experiment(f"exp-{letter}") for letter in "abcdef"}
    base, ours, other = ([made[it] for it in letters] for letters in (known, mine, theirs))
    ids = {item.experiment_id for item in merged(base, ours, other).experiments}
    new = {*mine, *theirs} - {*known}
    assert ids == {f"exp-{it}" for it in new | ({*mine} & {*theirs})}


def test_marks_are_taken_apart():
    text = b"head\n<<<<<<< HEAD\nmine\n=======\nother\n>>>>>>> side\ntail\n"
    assert has_marks(text)
    assert marked_sides(text) == MergeSides(b"head\nmine\ntail\n", b"head\nother\ntail\n", None)
    whole = text.replace(b"=======\n", b"||||||| 1\nwas\n=======\n")
    assert marked_sides(whole).base == b"head\nwas\ntail\n"


@pytest.mark.parametrize(
    "text",
    [b"", b"no marks\n", b"<<<<<<< HEAD\nmine\n", b"<<<<<<< HEAD\nmine\n>>>>>>> side\n"],
)
def test_what_is_no_conflict_has_no_sides(text):
    assert marked_sides(text) is None


def test_a_registry_with_marks_says_what_merges_it():
    whole = encode_registry([A]).splitlines(keepends=True)
    text = [whole[0], b"<<<<<<< HEAD\n", *whole[1:], b"=======\n", *whole[1:], b">>>>>>> x\n"]
    with pytest.raises(CorruptStoreError, match="changed on both branches") as refused:
        decode_registry(b"".join(text))
    assert "meta-experiment recover" in refused.value.hint

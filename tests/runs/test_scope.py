"""Cases run side by side unless they can touch the same thing."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_experiment.runs.scope import conflict, may_run_with, waves
from meta_experiment.types.cases import Case

PATHS = ("a", "a/b", "a/b/", "a/b/c", "ab", "a/*", "**/c", "a/.../c", "?", "**")


def case(name="x", files=(), needs=()):
    return Case(name, "p", "", files=tuple(files), needs=tuple(needs))


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (case(), case(), False),
        (case(), case(files=["**"], needs=["db"]), False),
        (case(files=["src/**"]), case(files=["docs", "src/a.py"]), True),
        (case(files=["src/**"]), case(files=["docs"]), False),
        (case(files=["src/**"]), case(files=["**"]), True),
        (case(needs=["db"]), case(needs=["port", "db"]), True),
        (case(needs=["db"]), case(needs=["port"]), False),
        (case(files=["db"]), case(needs=["db"]), False),
        (case(needs=["*"]), case(), True),
        (case(files=["a"]), case(files=["a"]), True),
    ],
)
def test_cases_conflict_where_they_share_something(left, right, expected):
    assert conflict(left, right) is expected
    assert conflict(right, left) is expected
    assert may_run_with(left, [case(), right]) is (not expected and "*" not in left.needs)


def test_a_run_may_begin_where_nothing_is_under_way():
    assert may_run_with(case(needs=["*"]), [])


def test_waves_begin_with_the_case_that_most_others_must_avoid():
    """In the order given, `a` and `b` would share a group and leave `hub` one of its own."""
    cases = [
        case("a", ["a"]),
        case("b", ["b"]),
        case("hub", ["a", "b", "c"]),
        case("c", ["c"]),
        case("free"),
    ]
    assert waves(cases) == (("hub", "free"), ("a", "b", "c"))
    assert waves([]) == ()
    assert waves([case("x", needs=["*"]), case("y"), case("z")]) == (("x",), ("y", "z"))


def test_a_chain_takes_two_waves():
    chain = [
        case(name, files) for name, files in zip("abcd", ("1", "12", "23", "3"), strict=True)
    ]
    assert waves(chain) == (("b", "d"), ("a", "c"))


scopes = st.lists(
    st.tuples(st.sets(st.sampled_from("123"), max_size=2), st.sets(st.sampled_from("de"))),
    max_size=7,
)


@settings(max_examples=60, deadline=None)
@given(scopes)
def test_waves_hold_each_case_once_and_no_conflict(found):
    cases = [
        case(str(place), sorted(files), sorted(needs))
        for place, (files, needs) in enumerate(found)
    ]
    groups = waves(cases)
    assert sorted(name for group in groups for name in group) == [
        item.case_id for item in cases
    ]
    known = {item.case_id: item for item in cases}
    most = 0
    for group in groups:
        assert list(group) == sorted(group)
        for name in group:
            assert not any(
                conflict(known[name], known[other]) for other in group if other != name
            )
            most = max(most, sum(conflict(known[name], item) for item in cases) - 1)
    assert len(groups) <= most + 1 or not groups  # what greedy colouring promises


@given(
    st.lists(
        st.builds(
            case,
            st.just("x"),
            st.lists(st.sampled_from(PATHS), max_size=2),
            st.lists(st.sampled_from(["a", "db", "*"]), max_size=1),
        ),
        max_size=8,
    )
)
def test_waves_part_all_that_conflicts_and_nothing_waits_in_vain(cases):
    """Each case is in the first wave that has nobody in its way who had more of them."""
    cases = [replace(item, case_id=str(place)) for place, item in enumerate(cases)]
    others = [
        {other.case_id for other in cases if other is not item and conflict(item, other)}
        for item in cases
    ]
    wave: dict[str, int] = {}
    for place in sorted(range(len(cases)), key=lambda place: -len(others[place])):
        taken = {wave[name] for name in others[place] if name in wave}
        wave[str(place)] = min(set(range(len(cases))) - taken)
    expected = [
        tuple(item.case_id for item in cases if wave[item.case_id] == number)
        for number in sorted(set(wave.values()))
    ]
    assert list(waves(cases)) == expected


def test_ten_thousand_cases_are_parted_in_a_moment():
    """Comparing each with each took minutes."""
    cases = [case(str(n), [f"src/{n}.py"], ["db"] * (n % 50 == 0)) for n in range(10_000)]
    began = time.process_time()
    assert len(waves(cases)) == 200
    assert time.process_time() - began < 5

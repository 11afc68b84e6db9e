"""Patterns of paths: what each covers, and that two meet exactly where some path is of both."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_experiment.runs import globs


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        pytest.param("pkg/auth/...", "pkg/model/user.go", False, id="buckley-14"),
        pytest.param("pkg/*.go", "pkg/main.go", True, id="buckley-15"),
        pytest.param("pkg/*.go", "pkg/sub/main.go", False, id="buckley-16"),
        ("pkg/auth/...", "pkg/auth/login/a.go", True),
        ("pkg/auth/...", "pkg/authz/a.go", False),
        ("pkg", "pkg/a.go", True),
        ("pkg/", "pkg/a.go", True),
        ("pkg", "pkgs/a.go", False),
        ("pkg/a.go", "pkg/a.go", True),
        ("pkg/a.go", "pkg/a_go", False),
        ("**/a.go", "a.go", True),
        ("**/a.go", "x/y/a.go", True),
        ("x/**/a.go", "x/a.go", True),
        ("x/**", "y/x/a.go", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a*c*", "abcd", True),
        ("app/[id]/page", "app/[id]/page", True),
        ("app/[id]/page", "app/i/page", False),
        ("a", "*", False),  # a name that looks like a pattern
        ("...", "a/b", True),
        ("*", "a/b", False),
    ],
)
def test_a_pattern_covers_a_path(pattern, path, expected):
    assert globs.covers(pattern, path) is expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param("pkg/auth/...", "pkg/auth/login/...", True, id="buckley-17"),
        pytest.param("pkg/auth/...", "pkg/model/...", False, id="buckley-18"),
        pytest.param("pkg/...", "pkg/auth/...", True, id="buckley-19"),
        pytest.param("pkg/auth/...", "pkg/authz/...", False, id="buckley-20"),
        ("pkg/*.go", "pkg/main*.go", True),
        ("pkg/*.go", "pkg/main*.rs", False),
        ("pkg/*_test.go", "pkg/main*.go", True),
        ("src", "src/a/b.py", True),
        ("src/a", "src/b", False),
        ("**/*.md", "docs/**", True),
        ("a/*/c", "a/b/*", True),
        ("a*", "*b", True),
        ("a?", "ab?", False),
    ],
)
def test_two_patterns_overlap(left, right, expected):
    assert globs.overlap([left], [right]) is expected
    assert globs.overlap([right], [left]) is expected
    assert globs.overlap(["elsewhere", left], [right, "nowhere"]) is expected
    assert globs.overlap([], [right]) is False


NAMES = ["".join(name) for length in (1, 2) for name in product("ab", repeat=length)]
PATHS = ["/".join(parts) for depth in (1, 2, 3) for parts in product(NAMES, repeat=depth)]
patterns = st.lists(
    st.one_of(st.just("**"), st.text("ab*?", min_size=1, max_size=2)), min_size=1, max_size=2
).map("/".join)


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(patterns, patterns)
def test_patterns_overlap_exactly_where_a_path_is_of_both(left, right):
    """Two short names of two letters and three folders are as many as these patterns tell."""
    common = any(globs.covers(left, path) and globs.covers(right, path) for path in PATHS)
    assert globs.overlap([left], [right]) is common


def by_hand(pattern, path):
    """Tell whether a pattern covers a path, by trying every way."""
    if not pattern:
        return not path
    head, rest = pattern[0], pattern[1:]
    if head == "**":
        return any(by_hand(rest, path[cut:]) for cut in range(len(path) + 1))
    return bool(path) and name_by_hand(head, path[0]) and by_hand(rest, path[1:])


def name_by_hand(pattern, name):
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(name_by_hand(pattern[1:], name[cut:]) for cut in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and name_by_hand(pattern[1:], name[1:])


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(patterns, st.sampled_from(PATHS))
def test_covering_is_what_it_is_by_hand(pattern, path):
    parts = pattern.split("/")
    below = [] if set(parts[-1]) & set("*?") else ["**"]
    assert globs.covers(pattern, path) is by_hand([*parts, *below], path.split("/"))

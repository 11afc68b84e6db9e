"""Records are dataclasses: nothing tells them from one that the standard library made."""

import copy
import dataclasses
import pickle
from collections.abc import Mapping
from dataclasses import field

import pytest

from meta_experiment.records import dataclass


@dataclass(frozen=True, slots=True)
class Made:
    """A record with every kind of field."""

    name: str
    share: float = 0.5
    notes: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[int, ...] = field(default=(), compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    """The same, of the standard library."""

    name: str
    share: float = 0.5
    notes: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[int, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Empty:
    """One without a field."""


BOTH = pytest.mark.parametrize("kind", [Made, Plain])


@BOTH
def test_arguments_are_taken_by_place_and_by_name(kind):
    made = kind("a", notes={"b": "c"})
    assert (made.name, made.share, made.notes, made.lines) == ("a", 0.5, {"b": "c"}, ())
    for wrong in ((), ("a", 0.5, {}, (), 1)):
        with pytest.raises(TypeError, match="positional argument"):
            kind(*wrong)
    with pytest.raises(TypeError, match="unexpected keyword"):
        kind("a", other=1)


def test_threads_that_make_the_first_instance_at_once_all_get_one():
    """One has looked up what makes the first, when another has put the other in its place."""

    @dataclass(frozen=True, slots=True)
    class Fresh:
        """One of which there is no instance yet."""

        name: str
        notes: Mapping[str, str] = field(default_factory=dict)

    first = Fresh.__init__
    assert Fresh("a").name == "a"
    late = object.__new__(Fresh)
    first(late, "b", notes={"c": "d"})
    assert (late.name, late.notes) == ("b", {"c": "d"})


@BOTH
def test_a_default_may_be_made_anew_for_each(kind):
    assert kind("a").notes == {}
    assert kind("a").notes is not kind("a").notes


@BOTH
def test_equality_and_hash_leave_out_what_is_not_compared(kind):
    assert kind("a", lines=(1,)) == kind("a", lines=(2,))
    assert kind("a") != kind("b")
    assert kind("a") != ("a", 0.5, {}, ())
    one, other = (kind("a", notes=(), lines=lines) for lines in ((1,), (2,)))
    assert len({one, other}) == 1


def test_its_text_is_that_of_the_standard_library():
    assert repr(Made("a")) == repr(Plain("a")).replace("Plain", "Made")
    assert repr(Empty()) == "Empty()"


@BOTH
def test_nothing_can_be_set_or_deleted(kind):
    made = kind("a")
    for change in (
        lambda: setattr(made, "name", "b"),
        lambda: delattr(made, "name"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    assert not hasattr(made, "__dict__")


@BOTH
def test_the_standard_library_takes_it_for_one_of_its_own(kind):
    made = kind("a", notes={"b": "c"})
    assert dataclasses.is_dataclass(kind)
    assert [item.name for item in dataclasses.fields(kind)] == [
        "name",
        "share",
        "notes",
        "lines",
    ]
    assert dataclasses.replace(made, name="z") == kind("z", notes={"b": "c"})
    assert dataclasses.asdict(made)["notes"] == {"b": "c"}


@BOTH
def test_copies_are_equal(kind):
    made = kind("a", 0.25, {"b": "c"}, (1, 2))
    pickled = pickle.loads(pickle.dumps(made))  # noqa: S301
    for twin in (copy.copy(made), copy.deepcopy(made), pickled):
        assert twin == made
        assert twin.lines == made.lines


@BOTH
def test_it_can_be_matched_by_place(kind):
    match kind("a", 0.25):
        case Made(name, share) | Plain(name, share):
            assert (name, share) == ("a", 0.25)
        case _:
            pytest.fail("not matched")


def test_no_field_is_inherited_unseen():
    with pytest.raises(TypeError, match="inherits"):

        @dataclass(frozen=True, slots=True)
        class Inner(Made):
            more: int = 0


def test_another_dataclass_is_refused():
    with pytest.raises(TypeError, match="standard library"):
        dataclass(frozen=True, slots=False)


def test_one_that_may_change_has_no_hash():
    @dataclass(slots=True)
    class Open:
        count: int
        names: list[str] = field(default_factory=list)

    one, other = Open(1), Open(1)
    one.count += 1
    one.names.append("a")
    assert (one.count, one.names, other) == (2, ["a"], Open(1))
    with pytest.raises(AttributeError):
        one.more = 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_empty_records_are_equal():
    assert Empty() == Empty()
    assert len({Empty(), Empty()}) == 1


@BOTH
def test_a_dataclass_of_the_standard_library_may_inherit_it(kind):
    @dataclasses.dataclass(frozen=True)
    class Inner(kind):
        more: int = 0

    assert (Inner("a", more=2).name, Inner("a", more=2).more) == ("a", 2)
    assert Inner("a") == Inner("a") != Inner("b")

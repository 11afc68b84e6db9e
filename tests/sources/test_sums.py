import pytest

from meta_experiment.errors import UsageError
from meta_experiment.sources.results.sums import Counts, parse_sums


def test_counts_and_means_are_read():
    """Two numbers are successes of n, three are a mean and its spread."""
    sums = parse_sums(["treatment=40,31", "control=40,22"], None)
    assert (sums.names, sums.control) == (("control", "treatment"), Counts(22, 40))
    means = parse_sums(["a=20,41.5,12", "b=18,33,9"], "a")
    assert (means.control.n, means.control.mean, means.control.sd) == (20, 41.5, 12.0)


@pytest.mark.parametrize(
    "given",
    [
        [], ["control=1,1"], ["control=1,1"] * 2, ["a=1,1", "b=1,1"], ["control=5,6", "b=5,1"],
        ["control=x,1", "b=5,1"], ["control=5", "b=5,1"], ["control=5,1,1,1", "b=5,1"],
        ["control=5,1", "b=5,1,1"], ["control=1,2,3", "b=5,1,1"], ["control=5,1,-1", "b=5,1,1"],
        ["control=5,nan,1", "b=5,1,1"], ["control=5,-1", "b=5,1"], ["=5,1", "b=5,1"],
        ["control=5,1", "baseline=5,1"], ["control=0,0", "b=5,1"],
    ],
)  # fmt: skip
def test_impossible_sums_are_refused(given):
    """What cannot be a sum of two arms is a usage error, not a number."""
    with pytest.raises(UsageError):
        parse_sums(given, None)


def test_a_control_that_is_not_there_is_refused():
    """--control names one of the two."""
    with pytest.raises(UsageError, match="no sums of 'c'"):
        parse_sums(["a=5,1", "b=5,1"], "c")

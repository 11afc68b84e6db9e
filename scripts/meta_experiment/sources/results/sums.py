"""Pasted sums: `NAME=n,k` successes of n, or `NAME=n,mean,sd`."""

from __future__ import annotations

from collections.abc import Sequence

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.records import dataclass
from meta_experiment.sources.results.result_words import is_control
from meta_experiment.stats.moments import Moments

_FORM = "expected NAME=N,SUCCESSES or NAME=N,MEAN,SD"


@dataclass(frozen=True, slots=True)
class Counts:
    """Successes among trials of one arm."""

    successes: int
    n: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Two arms known by their sums alone, both as counts or both as moments."""

    names: tuple[str, str]
    control: Counts | Moments
    treatment: Counts | Moments


def parse_sums(text: Sequence[str], control: str | None) -> Sums:
    """Read two `--sums` flags.

    Raises:
        UsageError: there are not two arms, a flag has another form, or a sum is impossible.
    """
    arms = dict(map(_arm, text))
    if len(arms) != 2 or len(text) != 2:
        raise UsageError(
            f"--sums compares two arms; found {', '.join(arms) or 'none'}.",
            hint="For example: --sums control=40,22 --sums treatment=40,31",
        )
    likely = [control] if control in arms else [name for name in arms if is_control(name)]
    if control is not None and control not in arms:
        raise UsageError(f"There are no sums of '{control}'; there are {', '.join(arms)}.")
    if len(likely) != 1 or likely[0] is None:
        raise UsageError(
            f"Which of {' and '.join(arms)} is the control?",
            hint=f"Say it: --control '{next(iter(arms))}'",
        )
    first = likely[0]
    second = next(name for name in arms if name != first)
    if type(arms[first]) is not type(arms[second]):
        raise UsageError(
            "One arm gives counts and the other a mean; both must be of one kind.",
            hint=f"{_FORM[0].upper()}{_FORM[1:]} for both.",
        )
    return Sums((first, second), arms[first], arms[second])


def _arm(text: str) -> tuple[str, Counts | Moments]:
    name, separator, figures = text.partition("=")
    numbers = [part.strip() for part in figures.split(",")]
    if not separator or not name.strip() or len(numbers) not in (2, 3):
        raise UsageError(f"--sums '{text}': {_FORM}.")
    try:
        n = int(numbers[0])
        if len(numbers) == 2:
            return name.strip(), _counts(n, int(numbers[1]), text)
        return name.strip(), _moments(n, float(numbers[1]), float(numbers[2]), text)
    except ValueError:
        raise UsageError(f"--sums '{text}': {_FORM}, all of them numbers.") from None


def _counts(n: int, successes: int, text: str) -> Counts:
    if n < 1 or not 0 <= successes <= n:
        raise UsageError(f"--sums '{text}': {successes} successes of {n} cannot be.")
    return Counts(successes, n)


def _moments(n: int, mean: float, sd: float, text: str) -> Moments:
    if n < 2:
        raise UsageError(f"--sums '{text}': a spread needs at least two values, not {n}.")
    try:
        return Moments.from_summary(n, mean, sd)
    except DegenerateDataError as error:
        raise UsageError(f"--sums '{text}': {error.message}.") from error

"""Combination of sources: the arms that are compared, as the trials to record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from meta_experiment.errors import RefusedError, UsageError
from meta_experiment.model.fields import suggestion
from meta_experiment.prompts.slug import slug
from meta_experiment.records import dataclass
from meta_experiment.sources.results.choosing import chosen_variants, safe_names
from meta_experiment.sources.results.copies import copies
from meta_experiment.sources.results.imported import ImportedTrials, Run
from meta_experiment.sources.results.merging import UNNAMED_ARM
from meta_experiment.sources.results.result_words import is_control
from meta_experiment.sources.results.run_identity import trial_id
from meta_experiment.sources.results.wording import command, listed, quoted

TWICE = "the same run twice"
CARRIED = "carried over from the source of another arm"
OTHER_ARM = "of an arm that is not compared"
_DAY = 86_400.0
_MOST = 20  # arms in a message
_ALIKE = 0.75  # of two names of one case, one of them edited


@dataclass(frozen=True, slots=True)
class LabelledSource:
    """A source, and what the user said of it: the variant it is, and which of its arms."""

    source: ImportedTrials
    label: str | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True)
class IdentifiedRun:
    """A run with the variant that it belongs to, the id of its trial and its time if known."""

    trial_id: str
    variant: str
    run: Run
    at: float | None


@dataclass(frozen=True, slots=True)
class CombinedSources:
    """Arms that are compared, the control first, and all their runs."""

    kind: str
    variants: tuple[str, ...]
    runs: tuple[IdentifiedRun, ...]
    excluded: Mapping[str, int]
    notes: tuple[str, ...]
    title: str | None
    at: float | None
    names: tuple[str, ...]

    @property
    def has_cases(self) -> bool:
        """Whether every run belongs to a case."""
        return all(item.run.case is not None for item in self.runs)

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics that any run has, in the order of their first appearance."""
        return tuple(dict.fromkeys(name for item in self.runs for name in item.run.metrics))


def combine(
    sources: Sequence[LabelledSource], *, control: str | None, treatments: Sequence[str]
) -> CombinedSources:
    """Choose control and treatments and bring the runs of all sources together.

    Args:
        sources: what was read; a label makes its one arm the variant of that name.
        control: the arm that is the control; None to recognise it by its name.
        treatments: the arms that are treatments; none for all but the control.

    Raises:
        UsageError: the arms cannot be told apart; the error lists them and the flag to give.
        RefusedError: there is one arm only, or sources call different tasks the same case.
    """
    notes = [note for item in sources for note in _notes(item.source, alone=len(sources) == 1)]
    excluded: Counter[str] = Counter()
    for item in sources:
        excluded.update(item.source.excluded)
    _note_renamed_cases(sources, notes)
    labelled = [
        [(run, item.label or run.arm) for run in _chosen(item, excluded)] for item in sources
    ]
    _refuse_half_cases(sources)
    arms = list(dict.fromkeys(arm for runs in labelled for _, arm in runs))
    _refuse_one_arm(arms, sources)
    labels = [item.label for item in sources]
    safe = safe_names(chosen_variants(arms, control, treatments, labels, notes), notes)
    runs: dict[str, IdentifiedRun] = {}
    for item, found in zip(sources, labelled, strict=True):
        _add(runs, item.source, found, safe, excluded)
    if excluded[CARRIED]:
        notes.append(
            f"{excluded[CARRIED]} runs of one source stand in another too, to the last token "
            "or word for word. A run is not compared with itself: they count once."
        )
    _refuse_empty_arm(safe.values(), runs.values())
    notes += _circumstances(list(safe.values()), list(runs.values()))
    return CombinedSources(
        kind="+".join(dict.fromkeys(item.source.kind for item in sources)),
        variants=tuple(safe.values()),
        runs=tuple(runs.values()),
        excluded=dict(+excluded),
        notes=tuple(dict.fromkeys(notes)),
        title=next((item.source.title for item in sources if item.source.title), None),
        at=min((item.source.at for item in sources if item.source.at), default=None),
        names=tuple(item.source.name for item in sources),
    )


def _add(
    runs: dict[str, IdentifiedRun],
    source: ImportedTrials,
    found: Sequence[tuple[Run, str]],
    safe: Mapping[str, str],
    excluded: Counter[str],
) -> None:
    """Add the runs of a source, but those that an earlier source has already.

    A run in two sources belongs to the control where one of them says so: it was made before
    the text that is tried.
    """
    control = next(iter(safe.values()))
    compared = [(run, safe[arm]) for run, arm in found if arm in safe]
    excluded[OTHER_ARM] += len(found) - len(compared)
    earlier = list(runs.values())
    twins = copies([item.run for item in earlier], [run for run, _ in compared])
    seen: Counter[str] = Counter()
    for place, (run, variant) in enumerate(compared):
        known = trial_id(run, source.identity)
        seen[known] += 1
        if seen[known] > 1:
            known = trial_id(run, source.identity, seen[known] - 1)
        twin = runs.get(known)
        if twin is None and place in twins:
            twin = earlier[twins[place]]
        if twin is None:
            at = source.at if run.at is None else run.at
            runs[known] = IdentifiedRun(known, variant, run, at)
            continue
        excluded[TWICE if twin.variant == variant else CARRIED] += 1
        if variant == control != twin.variant:
            runs[twin.trial_id] = replace(twin, variant=control)


def _circumstances(variants: Sequence[str], runs: Sequence[IdentifiedRun]) -> list[str]:
    """Say what differs between the arms besides the text that is tried."""
    notes = []
    for key in ("model", "client"):
        seen = {
            name: {item.run.fingerprint.get(key) for item in runs if item.variant == name}
            for name in variants
        }
        if any(values != seen[variants[0]] for values in seen.values()):
            listed = "; ".join(
                f"{name}: {', '.join(sorted(value or 'not said' for value in values))}"
                for name, values in seen.items()
            )
            notes.append(f"The arms did not run on the same {key} ({listed}).")
    begun = [
        min((item.at for item in runs if item.variant == name and item.at), default=None)
        for name in variants
    ]
    times = [at for at in begun if at is not None]
    if len(times) == len(begun) and times[0] > max(times[1:]) + _DAY:
        notes.append(f"{variants[0]} was measured after all others; is it the older text?")
    if len(times) > 1 and max(times) - min(times) > _DAY:
        notes.append(
            f"The arms were measured {(max(times) - min(times)) / _DAY:.0f} days apart; what "
            "else changed meanwhile counts as an effect of the text."
        )
    return notes


def _notes(source: ImportedTrials, *, alone: bool) -> list[str]:
    return [note if alone else f"{source.name}: {note}" for note in source.notes]


def _chosen(item: LabelledSource, excluded: Counter[str]) -> list[Run]:
    """Return the runs of a source, or of its one arm that the user gave a name."""
    source = item.source
    if item.label is None:
        return list(source.runs)
    wanted = item.arm
    if wanted is None:
        if len(source.arms) > 1:
            under_test = [arm for arm in source.arms if not is_control(arm)]
            arm = under_test[0] if len(under_test) == 1 else "ARM"
            raise UsageError(
                f"{source.name} has several arms ({listed(source.arms, _MOST)}); which of them "
                f"is '{item.label}'?",
                hint=f"Say it after a colon: {quoted(f'{item.label}={source.name}:{arm}')}",
            )
        wanted = source.arms[0]
    elif wanted not in source.arms:
        raise UsageError(
            f"{source.name} has no arm '{wanted}'; it has {listed(source.arms, _MOST)}.",
            hint=suggestion(wanted, source.arms),
        )
    chosen = [run for run in source.runs if run.arm == wanted]
    if len(chosen) < len(source.runs):
        excluded[OTHER_ARM] += len(source.runs) - len(chosen)
    return chosen


def _refuse_half_cases(sources: Sequence[LabelledSource]) -> None:
    """Refuse runs of cases beside runs that stand for themselves."""
    by_case = [all(run.case is not None for run in item.source.runs) for item in sources]
    if len(set(by_case)) > 1:
        lacking = sources[by_case.index(False)].source.name
        raise UsageError(
            f"{lacking} does not say to which case a run belongs, and the other sources do.",
            hint="Name the column: --map case=COLUMN; or import it on its own.",
        )


def _refuse_empty_arm(variants: Iterable[str], runs: Iterable[IdentifiedRun]) -> None:
    filled = {item.variant for item in runs}
    for name in variants:
        if name not in filled:
            raise RefusedError(
                f"Every run of {name} is one that another arm has already (same case, time "
                "and cost), so nothing is left to compare.",
                hint="Look whether one arm's results were copied from the other's.",
            )


def _refuse_one_arm(arms: Sequence[str], sources: Sequence[LabelledSource]) -> None:
    if len(arms) > 1:
        return
    name = sources[0].source.name
    unnamed = arms[0] == UNNAMED_ARM
    which = "a single arm, which it does not name" if unnamed else f"the arm {arms[0]} only"
    older = name if is_control(arms[0]) and len(sources) == 1 else "OLDER"
    raise RefusedError(
        f"{name} measured {which}, so there is nothing to compare it with.",
        hint="Compare it with the results of another text on the same cases; the older text is "
        f"the control: {command(f'control={older}', 'treatment=NEWER')}",
    )


def _note_renamed_cases(sources: Sequence[LabelledSource], notes: list[str]) -> None:
    """Say when a case has two names; refuse when these are two tasks with one number."""
    known: dict[str, tuple[str, str]] = {}
    for item in sources:
        for case, name in item.source.case_names.items():
            before, where = known.setdefault(case, (name, item.source.name))
            if slug(before) == slug(name):
                continue
            called = f"Case {case} is called '{before}' in {where} and '{name}' in "
            if SequenceMatcher(None, slug(before), slug(name)).ratio() < _ALIKE:
                raise RefusedError(
                    f"{called}{item.source.name}: to pair them would compare different tasks.",
                    hint="Import sources that ran the same cases, or each on its own.",
                )
            notes.append(f"{called}{item.source.name}; both were taken as one case.")

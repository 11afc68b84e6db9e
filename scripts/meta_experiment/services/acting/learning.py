"""Learning: what an ended experiment taught, figures by the program, words by the user."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from meta_experiment.assign.uniform import sha256
from meta_experiment.decide.telling.hypotheses import promised
from meta_experiment.decide.telling.progress import leading
from meta_experiment.decide.telling.upshots import upshot
from meta_experiment.errors import InvalidStateError, MetaExperimentError, UsageError
from meta_experiment.files.confine import Content
from meta_experiment.files.content_diff import unified_diff
from meta_experiment.model import instants
from meta_experiment.model.instants import DAY
from meta_experiment.model.learnings import LearningsText
from meta_experiment.model.result_document import to_document
from meta_experiment.model.secrets import redacted
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.acting.holdouts import later_findings
from meta_experiment.services.acting.learnings import change_learnings, followed, learnings_in
from meta_experiment.services.find import find_in
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import Analysis, Decision, Experiment
from meta_experiment.types.results.learning import (
    EarlierWords,
    Happening,
    LaterFinding,
    Learning,
    LearningAnswer,
    MetricFound,
    TextChange,
)
from meta_experiment.types.vocabulary import Upshot

_SHOWN = ("samples", "primary", "secondary", "guardrails")  # which no clock changes


def learn(
    workspace: Workspace,
    selector: str,
    *,
    why: str | None = None,
    next_step: str | None = None,
    judged: Upshot | None = None,
    dropped: bool | None = None,
) -> LearningAnswer:
    """Write what an experiment taught; a second time, on the record beside what it said.

    Args:
        workspace: where it is.
        selector: which experiment; one that has ended.
        why: what the user takes for the reason; None: as before.
        next_step: what to try next, as a hypothesis; None: as before.
        judged: what it did to its hypothesis; None: as the evidence says.
        dropped: whether nobody will follow that.

    Raises:
        InvalidStateError: it has not ended, or showed nothing. UsageError: words are missing.
        Else as `change_learnings`.
    """
    experiment = find_in(workspace.store, selector)
    if experiment.plan.holdout is not None:
        of = experiment.plan.holdout.of
        raise InvalidStateError(
            f"{experiment.experiment_id} is a holdout: what it found belongs to the entry of "
            f"{of}.",
            hint=f"meta-experiment learn {of}",
        )
    analysis = _analysis(workspace, experiment)
    happened = _happened(experiment, analysis)
    predicted = promised(experiment.plan.hypothesis)
    changed = _text_change(workspace, experiment, happened.treatment)
    now = instants.day(workspace.clock())
    found_later = later_findings(workspace.store.experiments())

    def change(found: LearningsText) -> Learning:
        known = next(
            (it for it in found.entries if it.experiment_id == experiment.experiment_id), None
        )
        words = _words(known, why, next_step)
        later = _later(known, found_later.get(experiment.experiment_id, ()))
        entry = Learning(
            experiment_id=experiment.experiment_id,
            date=(known and known.date) or now,
            files=experiment.plan.files,
            hypothesis=experiment.plan.hypothesis,
            changed=changed,
            happened=happened,
            predicted=predicted,
            measured=_measured(experiment, analysis),
            judged=judged or upshot(happened, predicted, later),
            why=words[0],
            next=words[1],
            dropped=known is not None and known.dropped if dropped is None else dropped,
            later=later,
            remarks=known.remarks if known else (),
        )
        return _on_record(entry, known, found, now)

    entry = change_learnings(workspace, change)
    workspace.note(experiment, "learn", experiment.status, f"{entry.judged}: {entry.why}")
    answer = learnt(workspace)
    written = [it for it in answer.entries if it.experiment_id == entry.experiment_id]
    return LearningAnswer(tuple(written), entry.experiment_id, answer.problems, answer.file)


def learnt(workspace: Workspace, path: str | None = None) -> LearningAnswer:
    """Return what experiments taught, of one prompt file or of all.

    Raises:
        CorruptStoreError, StorageError: as `learnings_in`.
    """
    found = learnings_in(workspace.layout)
    entries = followed(found.entries, workspace.store.experiments())
    chosen = [entry for entry in entries if path is None or _is_of(entry, path)]
    name = workspace.layout.learnings.relative_to(workspace.root).as_posix()
    return LearningAnswer(tuple(chosen), None, tuple(found.problems), name)


def _is_of(entry: Learning, path: str) -> bool:
    """Tell whether an entry is of a file, by its path, its end, or the name of its prompt."""
    wanted = path.removeprefix("./").strip("/")
    return any(
        file == wanted or file.endswith(f"/{wanted}") or wanted.endswith(f"/{file}")
        for file in entry.files
    )


def _analysis(workspace: Workspace, experiment: Experiment) -> Analysis:
    name = experiment.experiment_id
    if experiment.started is None and not experiment.status.is_open:
        raise InvalidStateError(f"{name} was never started, so that it showed nothing.")
    if experiment.status.is_open and experiment.plan.files:
        raise InvalidStateError(
            f"{name} is {experiment.status.value}; what it taught is written down once it has "
            "ended.",
            hint=f"meta-experiment explain {name}",
        )
    analysis = examine(workspace, experiment).analysis
    if experiment.status.is_open and analysis.decision is Decision.EXTEND:
        raise InvalidStateError(
            f"{name} is not decided: {analysis.reason}",
            hint=f"meta-experiment analyze {name}",
        )
    return analysis


def _happened(experiment: Experiment, analysis: Analysis) -> Happening:
    """Return what was decided when it ended, with what its data show."""
    outcome, best = experiment.outcome, leading(analysis)
    decided = outcome or analysis
    ended, started = experiment.ended, experiment.started
    return Happening(
        status=experiment.status,
        decision=decided.decision,
        reason_code=decided.reason_code,
        reason=decided.reason,
        override=outcome.override if outcome else None,
        treatment=best.treatment if best else None,
        effect=best.estimate.relative if best else None,
        interval=best.sequential.interval if best and best.sequential else None,
        units={name: arm.n for name, arm in analysis.primary.variants.items()},
        days=None if ended is None or started is None else (ended - started) / DAY,
        guardrails={
            f"{item.metric}:{item.treatment}": item.state for item in analysis.guardrails
        },
        excluded=sum(item.excluded for item in analysis.samples.values()),
        models=analysis.checks.fingerprint.models,
        clients=analysis.checks.fingerprint.clients,
        analysis=_shown_digest(analysis),
    )


def shown_digest(workspace: Workspace, experiment: Experiment) -> str:
    """Return the digest of what the trials of an experiment show, as entries keep it."""
    return _shown_digest(examine(workspace, experiment).analysis)


def _shown_digest(analysis: Analysis) -> str:
    document = to_document(analysis)
    text = json.dumps({name: document[name] for name in _SHOWN}, sort_keys=True)
    return str(sha256(text.encode()).hexdigest())


def _measured(experiment: Experiment, analysis: Analysis) -> MetricFound:
    metric = experiment.plan.primary
    arm = analysis.primary.variants.get(experiment.plan.control.name)
    return MetricFound(
        metric.name,
        metric.direction.value,
        metric.scale.value,
        arm.mean if arm else None,
        arm.sd if arm else None,
    )


def _text_change(
    workspace: Workspace, experiment: Experiment, treatment: str | None
) -> TextChange | None:
    """Return what differed between the texts; None where they are not here."""
    plan = experiment.plan
    ahead = treatment or plan.treatments[0].name
    try:
        arms = {it.name: workspace.store.variant(experiment, it.name) for it in plan.variants}
    except (MetaExperimentError, OSError, KeyError):
        return None
    if not any(arms.values()):
        return None
    old, new = arms[plan.control.name], arms.get(ahead, {})
    lines = [
        line
        for path in sorted(old.keys() | new.keys())
        for line in unified_diff(path, old.get(path), new.get(path)).splitlines()
        if not line.startswith(("+++", "---"))
    ]
    return TextChange(
        sum(line.startswith("+") for line in lines),
        sum(line.startswith("-") for line in lines),
        {name: _digest(files) for name, files in arms.items()},
    )


def _digest(files: Mapping[str, Content | None]) -> str:
    named = {path: content and content.sha256 for path, content in sorted(files.items())}
    return str(sha256(json.dumps(named).encode()).hexdigest())


def _words(known: Learning | None, why: str | None, next_step: str | None) -> tuple[str, str]:
    said = {"--why": why, "--next": next_step}
    before = {"--why": known.why, "--next": known.next} if known else {}
    asked = {
        "--why": "what you take for the reason",
        "--next": "what to try next, as a hypothesis",
    }
    words = {
        flag: (before.get(flag, "") if text is None else redacted(text).strip())
        for flag, text in said.items()
    }
    missing = [flag for flag, text in words.items() if not text]
    if missing:
        expected = " and ".join(f"{flag} TEXT ({asked[flag]})" for flag in missing)
        raise UsageError(f"What was learnt lacks {expected}.")
    return words["--why"], words["--next"]


def _later(known: Learning | None, found: Iterable[LaterFinding]) -> tuple[LaterFinding, ...]:
    """Return what was found afterwards, also by holdouts that were put away since."""
    return tuple(dict.fromkeys((*(known.later if known else ()), *found)))


def _on_record(
    entry: Learning, known: Learning | None, found: LearningsText, now: str
) -> Learning:
    """Return an entry with what stood there before, and in what a merge brought twice."""
    earlier = [known] if known else []
    earlier += found.doubled.get(entry.experiment_id, ())
    before = dict.fromkeys(item for it in earlier for item in it.before)
    for item in earlier:
        analysis = item.happened.analysis if item.happened else None
        if _said(item) != _said(entry):
            before[EarlierWords(now, item.judged, item.why, item.next, analysis)] = None
    return replace(entry, before=tuple(before))


def _said(entry: Learning) -> tuple[object, ...]:
    analysis = entry.happened.analysis if entry.happened else None
    return entry.judged, entry.why, entry.next, analysis

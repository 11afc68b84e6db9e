"""Launch of a holdout: after a promotion a share keeps the text that stood there before."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace

from meta_experiment.assign.draw import arm_for
from meta_experiment.assign.held_blocks import block_of
from meta_experiment.assign.uniform import uniform
from meta_experiment.decide.holdout import PREVIOUS, PROMOTED, decayed_below
from meta_experiment.decide.holdout_prospect import MOST_USES, SHARES, Prospects
from meta_experiment.decide.units import Arm, arms_of
from meta_experiment.errors import InvalidStateError, RefusedError, UsageError
from meta_experiment.files.confine import Content
from meta_experiment.files.interruption import held
from meta_experiment.model.instants import DAY
from meta_experiment.model.plan_checks import check_plan
from meta_experiment.model.plan_document import plan_sha256
from meta_experiment.records import dataclass
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.acting.analysing import examine
from meta_experiment.services.acting.holdout_view import described_holdout, kept_share
from meta_experiment.services.acting.holdouts import (
    WORD,
    holdouts_of,
    open_holdout,
    promotion_of,
)
from meta_experiment.services.find import find_in, require_status
from meta_experiment.services.planning.creating import unused_id
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import (
    Analysis,
    Assignment,
    Claim,
    Experiment,
    Holdout,
    Outcome,
    Plan,
    Status,
    Stopping,
    Trial,
    Unit,
    Variant,
)
from meta_experiment.types.results.holdout import HoldoutAnswer, HoldoutProspect

SHARE, DAYS = 0.2, 90.0
_SHOWN_WITHIN = 14.0  # days
_SHORTEST = 0.5  # days; a rate from less than half a day says little
SERVED_BY = "plan"  # of a fingerprint, which the live loop alone writes
_FEWEST = 10  # units of an arm before anything is said, however few a plan asked for

Texts = dict[str, dict[str, Content | None]]


@dataclass(frozen=True, slots=True)
class HoldoutRequest:
    """What is asked of a holdout; None is as usual: 20%, 90 days, `auto` as it was planned."""

    share: float | None = None
    days: float | None = None
    auto: bool | None = None

    @property
    def asks(self) -> bool:
        """Whether a new one is asked for, rather than a look at what there is."""
        return (self.share, self.days, self.auto) != (None, None, None)


@dataclass(frozen=True, slots=True)
class _Proposal:
    """A holdout before it is stored, and what of the promoted experiment speaks for it."""

    plan: Plan
    texts: Texts
    prospects: Prospects
    uses_per_day: float
    by_hand: bool


def launched_before(workspace: Workspace, selector: str) -> Experiment | None:
    """Return the last holdout of a promoted experiment, or the one that is named itself.

    Raises:
        NotFoundError, ConflictError: as `find_in`.
    """
    found = find_in(workspace.store, selector)
    if found.plan.holdout is not None:
        return found
    known = holdouts_of(workspace.store.experiments(), found.experiment_id)
    return known[-1] if known else None


def launch(
    workspace: Workspace, selector: str, request: HoldoutRequest, *, preview: bool
) -> HoldoutAnswer:
    """Have a share keep the text before a promotion, and watch what that is worth.

    With `preview` it says what each answer would take, and changes nothing.

    Raises:
        InvalidStateError: it is not promoted, or a holdout of it runs. RefusedError: the share
            cannot show anything in 14 days, or nothing serves it. DriftError: the file is not
            the promoted text any more.
    """
    promoted = _promoted(workspace, find_in(workspace.store, selector))
    proposal = _proposal(workspace, promoted, request)
    share = SHARE if request.share is None else request.share
    needed = proposal.prospects.of(proposal.plan)
    _require_shown(promoted, proposal, share, needed.still_better)
    draft = _draft(workspace, workspace.store.experiments(), promoted, proposal)
    lifecycle.require_control_on_disk(workspace, draft)
    how = lifecycle.require_startable(workspace, draft, proposal.texts, manual=proposal.by_hand)
    if proposal.by_hand:
        verb = f"meta-experiment assign {draft.experiment_id}"
        how = f"{how} Serve and record them as before: {verb}."
    told = _told(draft.plan, needed)
    kept = f"{share:.0%} of {draft.plan.unit.value}s"
    if preview:
        experiment = draft
        notes: tuple[str, ...] = (
            f"Nothing is launched. To launch it: {_verb(promoted, request, share)}",
        )
        said = f"{kept} would keep the text before {promoted.experiment_id}. {told}"
    else:
        experiment, notes = _stored(workspace, promoted, proposal, how)
        said = f"{kept} keep the text before {promoted.experiment_id}{how} {told}"
    return replace(
        described_holdout(experiment, stored=not preview),
        sentence=said,
        notes=notes,
        uses_per_day=proposal.uses_per_day,
        prospect=needed,
    )


def _verb(promoted: Experiment, request: HoldoutRequest, share: float) -> str:
    words = ["meta-experiment holdout", promoted.experiment_id, f"--share {100 * share:g}"]
    if request.days is not None:
        words.append(f"--days {request.days:g}")
    if request.auto is not None:
        words.append("--auto" if request.auto else "--no-auto")
    return " ".join(words)


def resumed(workspace: Workspace, draft: Experiment) -> HoldoutAnswer:
    """Start a holdout that was stored and not started, as where a process was killed."""
    of = draft.plan.holdout.of if draft.plan.holdout else ""
    by_hand = _by_hand(workspace.store.trials(workspace.store.experiment(of)).trials)
    done = lifecycle.start(workspace, draft.experiment_id, manual=by_hand)
    return replace(described_holdout(done.experiment), sentence=done.sentence, notes=done.notes)


def _promoted(workspace: Workspace, found: Experiment) -> Experiment:
    """Return the experiment to be watched, if one may be. Raises as `launch`."""
    name = found.experiment_id if found.plan.holdout is None else found.plan.holdout.of
    promoted = workspace.store.experiment(name)
    going = open_holdout(workspace.store.experiments(), name)
    if going is not None:
        raise InvalidStateError(
            f"A holdout of {name} is there already: {going.experiment_id} "
            f"({going.status.value}, {kept_share(going):.0%} on the text before).",
            hint=f"See it: meta-experiment holdout {name}. To end it: meta-experiment stop "
            f"{going.experiment_id}",
        )
    require_status(promoted, (Status.PROMOTED,), "watched by a holdout")
    if promoted.plan.team is not None:
        raise RefusedError(
            f"{name} was decided by a team, whose text comes by git; a holdout would hold it "
            "back on one machine alone.",
            hint="Try the text before it against this one in a new experiment of the team: "
            "meta-experiment create --team BRANCH",
        )
    if promoted.plan.unit is Unit.CASE or promoted.plan.assignment is Assignment.EXTERNAL:
        drawn = "on cases" if promoted.plan.unit is Unit.CASE else "on units drawn elsewhere"
        raise RefusedError(
            f"{name} was decided {drawn}; a holdout is served live, and would measure "
            "something else.",
            hint="Try the text before it against this one in a live experiment: "
            "meta-experiment create --help",
        )
    return promoted


def _proposal(workspace: Workspace, promoted: Experiment, request: HoldoutRequest) -> _Proposal:
    outcome = promotion_of(promoted)
    log = workspace.store.trials(promoted)
    analysis = examine(workspace, promoted, log=log).analysis
    if not log.trials:
        raise RefusedError(
            f"The trials of {promoted.experiment_id} are not here: nothing tells what a "
            "holdout would take.",
            hint="Launch it in the checkout that has them, or see whose logs may count: "
            f"meta-experiment trials {promoted.experiment_id}",
        )
    arms = arms_of(promoted.plan, log.trials)
    plan = _plan(promoted, outcome, analysis, request)
    try:
        check_plan(plan)
    except UsageError as error:
        name = promoted.experiment_id
        raise RefusedError(
            error.message, hint=f"meta-experiment holdout {name} --share 50"
        ) from error
    winner = outcome.winner or promoted.plan.treatments[0].name
    return _Proposal(
        plan=plan,
        texts=_texts(workspace, promoted, outcome),
        prospects=Prospects(arms[promoted.plan.control.name], arms[winner], _drawn, uniform),
        uses_per_day=_uses_per_day(promoted, arms.values()),
        by_hand=_by_hand(log.trials),
    )


def _drawn(plan: Plan, course: int, place: int) -> str:
    return arm_for(plan, f"course {course}", f"unit {place}", place)


def _by_hand(trials: Iterable[Trial]) -> bool:
    """Tell whether no trial was served: a holdout that is would measure something else."""
    return not any(SERVED_BY in trial.fingerprint for trial in trials)


def _plan(
    promoted: Experiment, outcome: Outcome, analysis: Analysis, request: HoldoutRequest
) -> Plan:
    """Return the plan of a holdout: the promoted question, asked of two texts and no more."""
    whole = promoted.plan
    share = SHARE if request.share is None else request.share
    comparison = next(
        (it for it in analysis.primary.comparisons if it.treatment == outcome.winner), None
    )
    evidence = comparison and (comparison.corrected or comparison.sequential)
    lowest = evidence.interval.low if evidence else None
    hashed = whole.assignment is Assignment.HASH
    asked = replace(
        whole,
        name=f"{whole.name}, {WORD}",
        hypothesis=f"The promoted text stays better than the one before it. {whole.hypothesis}",
        guardrails=(),
        secondary=(*(item.metric for item in whole.guardrails), *whole.secondary),
        stopping=Stopping.SEQUENTIAL,
        claim=Claim.BETTER,
        equivalence_margin=None,
        sample_size=_FEWEST,
        max_sample=None,
        max_duration_days=DAYS if request.days is None else request.days,
        assignment=Assignment.HASH if hashed else Assignment.BLOCK,
        traffic=1.0,
        safety_metrics=(),
        acting_alerts=(),
        robust=False,
        bandit=None,
        ramp=None,
        start_date=None,
        end_date=None,
        layer=None,
        prior=None,
        price=None,
        holdout=Holdout(
            promoted.experiment_id,
            decayed_below(whole, lowest),
            tuple(analysis.checks.fingerprint.models),
        ),
        auto=whole.auto if request.auto is None else request.auto,
        seed=secrets.randbelow(2**31),
    )
    return _with_share(asked, share)


def _with_share(plan: Plan, share: float) -> Plan:
    """Return the plan of a holdout in which such a share keeps the text before."""
    if plan.holdout is None:
        return plan
    drawn = plan.assignment is Assignment.HASH or share == 0.5  # by unit, or as equal arms are
    block = 0 if drawn else block_of(share)
    arms = (Variant(PROMOTED, 1.0 - share), Variant(PREVIOUS, share))
    return replace(plan, variants=arms, holdout=replace(plan.holdout, block=block))


def _texts(workspace: Workspace, promoted: Experiment, outcome: Outcome) -> Texts:
    """Return what the promotion left and found at each path, by the arms of the holdout."""
    texts: Texts = {}
    for path in dict.fromkeys((*promoted.plan.files, *outcome.files)):
        pair = outcome.files.get(path)
        if pair is None:  # the promotion left it as it was
            texts[path] = dict.fromkeys((PROMOTED, PREVIOUS), workspace.prompt(path))
            continue
        texts[path] = {
            name: None if version is None else workspace.stored(promoted, path, version)
            for name, version in ((PROMOTED, pair.after), (PREVIOUS, pair.before))
        }
    return texts


def _uses_per_day(promoted: Experiment, arms: Iterable[Arm]) -> float:
    started = promoted.started or promoted.created
    days = max(_SHORTEST, ((promoted.ended or started) - started) / DAY)
    return sum(arm.assigned for arm in arms) / promoted.plan.share_of_units / days


def _require_shown(
    promoted: Experiment, proposal: _Proposal, share: float, needed: int | None
) -> None:
    """Refuse a share that 14 days' use cannot show, with the one that could.

    Raises:
        RefusedError: it names that share, or says that there is none.
    """
    in_time = _SHOWN_WITHIN * proposal.uses_per_day
    if needed is not None and needed <= in_time:
        return
    name = promoted.experiment_id
    takes = f"more than {MOST_USES:,}" if needed is None else f"about {needed:,}"
    units = f"{proposal.plan.unit.value}s"
    larger = (other for other in SHARES if other > share and _is_open_to(proposal.plan, other))
    could = next(
        (
            other
            for other in larger
            if (uses := proposal.prospects.still_better(_with_share(proposal.plan, other)))
            and uses <= in_time
        ),
        None,
    )
    raise RefusedError(
        f"A share of {share:.0%} would take {takes} {units} to show that {name} is still "
        f"better, and there are some {in_time:,.0f} in {_SHOWN_WITHIN:.0f} days.",
        hint=(
            f"This share could: meta-experiment holdout {name} --share {could * 100:g}"
            if could is not None
            else "No share could show it in that time: it is used too seldom, or the effect "
            "is too small."
        ),
    )


def _is_open_to(plan: Plan, share: float) -> bool:
    try:
        check_plan(_with_share(plan, share))
    except UsageError:
        return False
    return True


def _draft(
    workspace: Workspace,
    experiments: Sequence[Experiment],
    promoted: Experiment,
    proposal: _Proposal,
) -> Experiment:
    versions = {
        path: {name: text and text.version for name, text in arms.items()}
        for path, arms in proposal.texts.items()
    }
    base = f"{promoted.experiment_id}-{WORD}"
    experiment = Experiment(
        experiment_id=unused_id(workspace, experiments, base),
        plan=proposal.plan,
        plan_sha256=plan_sha256(proposal.plan, versions),
        status=Status.DRAFT,
        created=workspace.clock(),
        versions=versions,
    )
    lifecycle.refuse_shared_files(experiment, experiments)
    return experiment


def _stored(
    workspace: Workspace, promoted: Experiment, proposal: _Proposal, how: str
) -> tuple[Experiment, tuple[str, ...]]:
    """Store a holdout and start it; what fails to start is gone from the board again."""

    def draft(experiments: Sequence[Experiment]) -> Experiment:
        experiment = _draft(workspace, experiments, promoted, proposal)
        workspace.checkout.ensure_ignored()
        workspace.store.save_variants(experiment.experiment_id, proposal.texts)
        return experiment

    with held("The holdout was stored first: meta-experiment status"):
        experiment = workspace.store.add(draft)
        workspace.note(experiment, WORD, None, f"launched after {promoted.experiment_id}")
    done = lifecycle.start(
        workspace, experiment.experiment_id, manual=proposal.by_hand, how=how
    )
    return done.experiment, done.notes


def _told(plan: Plan, needed: HoldoutProspect) -> str:
    """Say how many uses each answer takes."""
    below = plan.holdout.decayed_below if plan.holdout else 0.0

    def uses(number: int | None) -> str:
        return f"more than {MOST_USES:,}" if number is None else f"about {number:,}"

    return (
        f"In half of such holdouts it takes {uses(needed.still_better)} {plan.unit.value}s to "
        f"show that it is still better, {uses(needed.reversed)} that it is reversed, and "
        f"{uses(needed.decayed)} that it has decayed below {100 * below:.3g}%."
    )

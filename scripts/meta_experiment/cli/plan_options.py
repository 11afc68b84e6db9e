"""The flags that describe a plan, shared by `create` and `plan`."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from meta_experiment.cli.frame import Place
from meta_experiment.cli.open import bases, workspace
from meta_experiment.errors import UsageError, cite
from meta_experiment.model.plan_settings import PLAN_SETTINGS
from meta_experiment.services.planning.learnt_prior import with_learnt_prior
from meta_experiment.services.planning.request import (
    Request,
    from_flags,
    from_plan,
    prompts_of_flags,
    prompts_of_plan,
    read_plan,
)
from meta_experiment.services.workspace import Workspace
from meta_experiment.types import (
    Aim,
    AnalysisType,
    Assignment,
    CarryOut,
    Claim,
    Comparator,
    Direction,
    MetricKind,
    Scale,
    Stopping,
    Unit,
)

_SETTINGS = {
    "ask_model": "report",
    "covariate": "covariates",
    "prior_from": "prior",
    "machine": "machines",
}  # flags that are called otherwise than their setting


def _words(words: type[Any]) -> click.Choice[str]:
    return click.Choice([item.value for item in words])


_OPTIONS = (
    click.option(
        "--plan", "plan_file", metavar="FILE", help="A plan in YAML or JSON instead of flags."
    ),
    click.option(
        "--file",
        "files",
        multiple=True,
        metavar="PATH=VARIANT_PATH",
        help="A prompt and its new text, or a skill's folder and the new one; NAME:PATH=… for "
        "a further treatment. Repeatable.",
    ),
    click.option(
        "--placebo",
        is_flag=True,
        help="Beside a longer treatment: an arm as long that says nothing. On cases.",
    ),
    click.option(
        "--aa", is_flag=True, help="The control again, as an arm, to see the noise. On cases."
    ),
    click.option("--name", metavar="NAME", help="What to call it (default: from the file)."),
    click.option("--hypothesis", metavar="TEXT", help="What you expect, and why."),
    click.option("--primary-metric", metavar="METRIC", help="What must get better."),
    click.option("--direction", type=_words(Direction), help="Which way is better."),
    click.option("--scale", type=_words(Scale), help="Compare sums (raw) or ratios (log)."),
    click.option("--kind", type=_words(MetricKind), help="Of a metric of your own."),
    click.option(
        "--guardrail",
        "guardrails",
        multiple=True,
        metavar="METRIC[:MARGIN%]",
        help="Must not get worse by more than its margin. Repeatable.",
    ),
    click.option(
        "--secondary",
        multiple=True,
        metavar="METRIC",
        help="Reported, decides nothing. Repeatable.",
    ),
    click.option(
        "--sample-size", type=int, metavar="N", help="Units per arm before a decision [10]."
    ),
    click.option(
        "--improvement-threshold",
        type=float,
        metavar="PCT",
        help="Smallest improvement worth having [15].",
    ),
    click.option(
        "--max-regression", type=float, metavar="PCT", help="Default margin of guardrails [10]."
    ),
    click.option(
        "--equivalence-margin",
        type=float,
        metavar="PCT",
        help="End undecided once the effect is shown to lie within it [never].",
    ),
    click.option(
        "--max-duration-days", type=float, metavar="DAYS", help="Then it expires [14]."
    ),
    click.option(
        "--max-sample", type=int, metavar="N", help="Units per arm at which it expires."
    ),
    click.option("--alpha", metavar="P", type=float, help="Error rate of each action [0.05]."),
    click.option(
        "--stopping",
        type=_words(Stopping),
        help="Look at any time, or once at N; bayesian: shows beliefs too [sequential].",
    ),
    click.option(
        "--price",
        type=float,
        metavar="PCT",
        help="bayesian: end undecided once either choice loses less than that [never].",
    ),
    click.option(
        "--prior",
        metavar="MEAN:SD",
        help="bayesian: what is believed of the improvement, in per cent [nothing].",
    ),
    click.option(
        "--prior-from",
        metavar="ID[:VARIANT]",
        help="bayesian: what an experiment that has ended found, of that treatment.",
    ),
    click.option(
        "--claim", type=_words(Claim), help="Better at all, or by the threshold [better]."
    ),
    click.option("--unit", type=_words(Unit), help="What is randomised [session]."),
    click.option(
        "--assignment", type=_words(Assignment), help="How variants are drawn [block]."
    ),
    click.option("--aim", type=_words(Aim), help="Of a bandit: what its uses are spent on."),
    click.option(
        "--floor",
        type=float,
        metavar="PCT",
        help="Of a bandit: least share of an arm [10, 5, 2 by the number of arms].",
    ),
    click.option(
        "--burn-in",
        type=int,
        metavar="N",
        help="Of a bandit: units of each arm before its shares move [5].",
    ),
    click.option(
        "--ramp",
        metavar="PCT,PCT,…",
        help="Rising shares of the treatments: 5,25,50. Each step waits for time and evidence.",
    ),
    click.option(
        "--step-days", type=float, metavar="DAYS", help="Of a ramp: each step at least [1]."
    ),
    click.option(
        "--step-units",
        type=int,
        metavar="N",
        help="Of a ramp: closed units of a treatment at each step [5].",
    ),
    click.option(
        "--layer",
        metavar="NAME[:PCT]",
        help="Take so much of a layer [50], whose experiments never meet in one unit.",
    ),
    click.option(
        "--team",
        metavar="BRANCH",
        help="Several machines draw and decide together; a promotion goes to this branch.",
    ),
    click.option(
        "--carry-out",
        type=_words(CarryOut),
        help="Of a team: how a promotion reaches its branch [pull_request].",
    ),
    click.option(
        "--machine",
        multiple=True,
        metavar="ID",
        help="Of a team: counts and may decide [all that are admitted]. Repeatable.",
    ),
    click.option(
        "--start-date",
        metavar="DATE",
        help="Units take part from then on: a day in UTC, or a time with its zone [at once].",
    ),
    click.option(
        "--end-date", metavar="DATE", help="The last day, or the time at which it expires."
    ),
    click.option(
        "--traffic", type=float, metavar="PCT", help="Share of units that take part [100]."
    ),
    click.option(
        "--analysis-type",
        type=_words(AnalysisType),
        help="Test reported beside the rule [auto].",
    ),
    click.option(
        "--ask-model",
        multiple=True,
        metavar="METRIC",
        help="The model reports this metric at the end of its task. Repeatable.",
    ),
    click.option(
        "--covariate",
        multiple=True,
        metavar="NAME",
        help="Known before the draw, explains some of the spread; at most 4. Repeatable.",
    ),
    click.option(
        "--robust/--no-robust",
        default=None,
        help="Average the exact evidence of the draw in, for wild or constant values. [no]",
    ),
    click.option(
        "--auto/--no-auto", default=None, help="May it promote or roll back by itself? [no]"
    ),
    click.option("--seed", metavar="N", type=int, help="Of the assignment [random]."),
)


def plan_options(body: Callable[..., Any]) -> Callable[..., Any]:
    """Add all flags that describe a plan."""
    for option in reversed(_OPTIONS):
        body = option(body)
    return body


def requested(
    place: Place, flags: dict[str, Any], *, whole: bool = True
) -> tuple[Workspace, Request]:
    """Turn the flags of `plan_options` into a request, and open the root that it means.

    A plan file that is not `whole` may lack anything.

    Raises:
        UsageError: a plan file and flags beside it, or a flag that makes no sense.
    """
    rest = dict(flags)
    plan_file, files = rest.pop("plan_file"), rest.pop("files")
    comparators = [item.value for item in Comparator if rest.pop(item.value)]
    metric = _metric(
        *(rest.pop(key) for key in ("primary_metric", "direction", "scale", "kind"))
    )
    rest["ramp"] = _ramp(rest["ramp"])
    rest["layer"] = _layer(rest["layer"])
    rest["prior"] = _prior(rest.pop("prior"), rest.pop("prior_from"))
    document = _document(rest, metric)
    around = bases(place)
    if plan_file is None:
        prompts = prompts_of_flags(files, place.directory, around)
        opened = workspace(place, prompts=prompts)
        asked = from_flags(document, files, opened.root, place.directory, around, comparators)
        asked = with_learnt_prior(opened, asked)
        return opened, _with_places(asked, prompts, opened.root, place, around[0])
    if document or files or comparators:
        raise UsageError(
            "--plan holds the whole plan; other flags beside it would be lost.",
            hint="Write them into the plan file, or leave --plan out.",
        )
    return requested_by_file(place, plan_file, whole=whole)


def requested_by_file(
    place: Place, plan_file: str, unit: Unit | None = None, *, whole: bool = True
) -> tuple[Workspace, Request]:
    """Turn a plan file into a request, and open the root that it means.

    `unit` is that of a plan that names none, in the place of its default; one that is not
    `whole` may lack anything.

    Raises:
        UsageError, NotFoundError: it is no plan, or not there.
    """
    around = bases(place)
    plan = read_plan(place.directory / Path(plan_file), whole=whole)
    if unit is not None:
        plan = {"unit": unit.value} | {key: it for key, it in plan.items() if it is not None}
    prompts = prompts_of_plan(plan, around)
    opened = workspace(place, prompts=prompts)
    asked = with_learnt_prior(opened, from_plan(plan, opened.root, around))
    return opened, _with_places(asked, prompts, opened.root, place, around[0])


def _with_places(
    asked: Request, prompts: list[Path], root: Path, place: Place, directory: Path
) -> Request:
    """Say where a prompt file is, where it is not where who stands here would expect it."""
    notes = [
        f"{prompt} is {item.path} behind a link; the experiment is on that file."
        for prompt, item in zip(prompts, asked.variant_files, strict=True)
        if prompt != root / item.path
    ]
    if root != directory:
        name = shlex.quote(str(root))
        notes.append(f"Its root owns the prompt file; from elsewhere name it: --root {name}")
    elif place.user:
        notes.append("The prompt is a personal one; every verb finds it by: --user")
    return replace(asked, notes=(*asked.notes, *dict.fromkeys(notes)))


def _metric(
    name: str | None, direction: str | None, scale: str | None, kind: str | None
) -> dict[str, Any] | str | None:
    described = {"direction": direction, "scale": scale, "kind": kind}
    named = {key: value for key, value in described.items() if value is not None}
    if name is None and named:
        raise UsageError(f"--{next(iter(named))} describes --primary-metric, which is missing.")
    return {"name": name, **named} if named else name


def _ramp(typed: str | None) -> list[float] | None:
    if typed is None:
        return None
    try:
        return [float(step) for step in typed.replace("%", "").split(",")]
    except ValueError:
        raise UsageError(
            f"--ramp {cite(typed)}: expected rising shares in per cent between commas, for "
            "example 5,25,50."
        ) from None


def _layer(typed: str | None) -> dict[str, Any] | None:
    if typed is None:
        return None
    name, colon, share = typed.partition(":")
    try:
        return {"name": name} | ({"share": float(share.rstrip("%"))} if colon else {})
    except ValueError:
        raise UsageError(
            f"--layer {cite(typed)}: expected NAME or NAME:PCT, for example prompts:50."
        ) from None


def _prior(typed: str | None, source: str | None) -> dict[str, Any] | None:
    """Read `MEAN:SD`, or name the experiment that both come from."""
    if typed is None:
        return None if source is None else {"source": source}
    mean, _, sd = typed.replace("%", "").partition(":")
    try:
        known: dict[str, Any] = {"mean": float(mean), "sd": float(sd)}
    except ValueError:
        raise UsageError(
            f"--prior {cite(typed)}: expected MEAN:SD in per cent, for example 10:5.",
            hint="Without anything known, leave it out: a flat prior is the safe one.",
        ) from None
    if source is not None:
        raise UsageError(
            "--prior and --prior-from both name a prior; expected one.",
            hint="Leave one of them out.",
        )
    return known


def _document(flags: dict[str, Any], metric: object) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if metric is not None:
        document["metrics"] = {"primary": metric}
    for flag, value in flags.items():
        if value is None or value == ():
            continue
        setting = PLAN_SETTINGS[_SETTINGS.get(flag, flag)]
        setting.put(document, list(value) if isinstance(value, tuple) else value)
    return document

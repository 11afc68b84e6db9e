"""The report that `analyze` prints: data, tests, checks, verdict."""

from __future__ import annotations

import math

from meta_experiment.render import words
from meta_experiment.render.style import Style
from meta_experiment.types import (
    Analysis,
    Comparison,
    Decision,
    GuardrailResult,
    GuardrailState,
    Interval,
    PrimaryResult,
    Scale,
)


def report(analysis: Analysis, name: str, unit: str, style: Style) -> str:
    """Write the full report of one experiment; `unit` is that of the primary metric."""
    parts = [
        style.strong(f"ANALYSIS  {words.name(analysis.experiment_id)}")
        + f"  {words.quoted(name)}",
        _verdict(analysis, style),
        style.strong(f"Primary metric: {analysis.primary.metric}") + _reading(analysis.primary),
        _arms(analysis.primary, unit),
        *(_comparison(item, unit) for item in analysis.primary.comparisons),
    ]
    if analysis.guardrails:
        parts.append(style.strong("Guardrails"))
        parts.append("\n".join(_guardrail(item, style) for item in analysis.guardrails))
    if analysis.secondary:
        parts.append(style.strong("Secondary metrics") + "  (they decide nothing)")
        parts.append(_secondary(analysis.secondary))
    parts += [style.strong("Checks"), _checks(analysis, style)]
    if analysis.notes:
        parts.append(style.strong("Notes"))
        parts.append("\n".join(f"  - {words.one_line(note)}" for note in analysis.notes))
    return "\n\n".join(parts)


def _verdict(analysis: Analysis, style: Style) -> str:
    paint = {Decision.PROMOTE: style.good, Decision.REJECT: style.bad}
    word = paint.get(analysis.decision, style.warn)(analysis.decision.value)
    lines = [f"{word} ({analysis.reason_code.value})", f"  {words.one_line(analysis.reason)}"]
    if analysis.winner:
        lines.append(f"  Winner: {words.printable(analysis.winner)}")
    return "\n".join(lines)


def _reading(primary: PrimaryResult) -> str:
    scale = "ratios of geometric means" if primary.scale is Scale.LOG else "arithmetic means"
    return f"  ({primary.direction.value} is better, compared as {scale})"


def _arms(primary: PrimaryResult, unit: str) -> str:
    logged = primary.scale is Scale.LOG
    lines = [
        f"  {'variant':<16} {'units':>7} {'mean':>14} {'std. dev.':>14}"
        + (f" {'geometric mean':>15}" if logged else "")
    ]
    for name, arm in primary.variants.items():
        geometric = None if arm.log_mean is None else math.exp(arm.log_mean)
        lines.append(
            f"  {words.printable(name):<16} {arm.n:>7,} "
            f"{words.quantity(arm.mean, unit):>14} {words.quantity(arm.sd, unit):>14}"
            + (f" {words.quantity(geometric, unit):>15}" if logged else "")
        )
    return "\n".join(lines)


def _comparison(item: Comparison, unit: str) -> str:
    head = f"  {words.printable(item.treatment)} against {words.printable(item.control)}"
    if item.error:
        return f"{head}: no evidence, {item.error}"
    lines = [
        (
            f"{head}: {words.signed_per_cent(item.effect.relative)} (positive is better), "
            f"difference {words.quantity(item.effect.absolute, unit)}"
        ),
        (
            f"    {item.test}: statistic {_figure(item.statistic)}, df {_figure(item.df)}, "
            f"p {words.p_value(item.p_value)} (one look only), "
            f"{_interval(item.interval)}"
        ),
        (
            f"    effect size d {_figure(item.effect_size.cohens_d)}, "
            f"g {_figure(item.effect_size.hedges_g)}"
        ),
    ]
    if item.sequential:
        evidence = item.sequential
        lines.append(
            f"    valid at every look ({evidence.rule}): e(better) "
            f"{words.e_value(evidence.e_promote)}, "
            f"e(worse) {words.e_value(evidence.e_reject)}, "
            f"p {words.p_value(evidence.p_anytime)}, {_interval(evidence.interval)}"
        )
    return "\n".join(lines)


def _secondary(results: tuple[PrimaryResult, ...]) -> str:
    width = max(18, *(len(words.printable(item.metric)) for item in results))
    lines = [f"  {'metric':<{width}} {'variant':<16} {'units':>7} {'mean':>14}  effect"]
    for result in results:
        effects = {
            item.treatment: words.signed_per_cent(item.effect.relative)
            for item in result.comparisons
        }
        for name, arm in result.variants.items():
            effect = effects.get(name, "")
            lines.append(
                f"  {words.printable(result.metric):<{width}} {words.printable(name):<16} "
                f"{arm.n:>7,} {words.quantity(arm.mean):>14}  {effect}".rstrip()
            )
    return "\n".join(lines)


def _guardrail(item: GuardrailResult, style: Style) -> str:
    paint = {
        GuardrailState.PASS: style.good,
        GuardrailState.FAIL: style.bad,
    }.get(item.state, style.warn)
    return (
        f"  {paint(item.state.value.upper())}  {words.printable(item.metric)} "
        f"({words.printable(item.treatment)}, may worsen by {words.per_cent(item.margin)}): "
        f"{words.one_line(item.reason)}"
    )


def _checks(analysis: Analysis, style: Style) -> str:
    checks = analysis.checks
    rows = (
        ("assignment ratio", checks.srm.ok, _counts(checks.srm.counts)),
        ("attrition", checks.attrition.ok, _lost(analysis)),
        (
            "exposure",
            checks.exposure.ok,
            f"{checks.exposure.exposed:,} of {checks.exposure.assigned:,} assigned units",
        ),
        ("fingerprint", checks.fingerprint.ok, _fingerprint(analysis)),
    )
    lines = [
        f"  {style.good('ok  ') if fine else style.bad('FAIL')}  {name}: {detail}"
        for name, fine, detail in rows
    ]
    excluded = {
        name: count.exclusions for name, count in analysis.samples.items() if count.exclusions
    }
    for name, reasons in excluded.items():
        listed = ", ".join(
            f"{words.name(reason)} {count:,}" for reason, count in reasons.items()
        )
        lines.append(f"  excluded in {words.name(name)}: {words.one_line(listed)}")
    return "\n".join(lines)


def _lost(analysis: Analysis) -> str:
    attrition = analysis.checks.attrition
    return f"lost {_counts(attrition.lost)}, p {words.p_value(attrition.p_value)}"


def _fingerprint(analysis: Analysis) -> str:
    seen = analysis.checks.fingerprint
    if seen.reason:
        return words.one_line(seen.reason)
    return words.listed(seen.models) or "no model recorded"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{words.printable(name)} {count:,}" for name, count in counts.items())


def _interval(interval: Interval) -> str:
    low = words.signed_per_cent(interval.low) if interval.low is not None else "unbounded"
    high = words.signed_per_cent(interval.high) if interval.high is not None else "unbounded"
    return f"{interval.level:.0%} interval [{low}, {high}]"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"

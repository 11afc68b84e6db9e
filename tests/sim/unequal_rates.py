"""Rates in unequal shares under repeated looks: a vectorised twin of the draw, and its tables.

Arrays are (experiments, units as they were drawn). Values are 0 or 1, more is
better.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp, ndtri
from tests.sim import rates

from meta_experiment.stats.mixed_prior import EFFECTS
from meta_experiment.stats.rate_ratio import anytime_ratio_evidence

BAR = np.log(20)
LEAST = 10  # units of either arm before a decision
_CHUNK = 100  # experiments at once
UNITS = 1000
KEPT_RATIO = 1.1
ANCHOR = "Rates in unequal shares"


def constant(place):
    return 0.6 + 0 * place


def rising(place):
    return 0.4 + 0.4 * place


def falling(place):
    return 0.8 - 0.4 * place


def steep(place):
    return 0.2 + 0.6 * place


WORLDS = {
    "rate of .6": constant,
    "rate from .4 to .8 in time": rising,
    "rate from .8 to .4 in time": falling,
    "rate from .2 to .8 in time": steep,
}


def courses(rng, world, *, experiments, units, share, block, ratio=1.0):
    """Return outcomes and who is treated, in exact blocks of so many or (0) one by one.

    `share` is the treatment's, whose rate is `ratio` times as high.
    """
    if block:
        one = np.arange(block) < round(block * share)
        blocks = np.broadcast_to(one, (experiments, units // block, block))
        treated = rng.permuted(blocks, axis=2).reshape(experiments, -1)
    else:
        treated = rng.random((experiments, units)) < share
    rate = world(np.linspace(0, 1, treated.shape[1]))
    rate = np.where(treated, np.minimum(1.0, ratio * rate), rate)
    return (rng.random(treated.shape) < rate).astype(float), treated


def log_draws(values, treated, share, block):
    """Return the log e-values of the draw for greater and for less, after every unit."""
    found = []
    for sign in (1, -1):
        effects, weights = np.array(EFFECTS).T
        if block:
            gains = _of_blocks(values, treated, block, sign * effects)
        else:
            gains = _of_units(values, treated, share, sign * effects)
        found.append(logsumexp(np.cumsum(gains, axis=1) + weights, axis=2))
    return found


def _of_units(values, treated, share, effects):
    """Return what each unit adds by effect: scores of ranks among those before and itself."""
    n, ones = np.arange(1, values.shape[1] + 1), np.cumsum(values, axis=1)
    u = ndtri(np.where(values == 1, 2 * n - ones, n - ones) / (2 * n))[:, :, None]
    return effects * u * treated[:, :, None] - np.log1p(share * np.expm1(effects * u))


def _of_blocks(values, treated, block, effects):
    """Return what each block adds by effect, at its last unit: the smaller side is one unit."""
    runs, units = values.shape
    n = np.arange(block, units + 1, block)
    ones = np.cumsum(values, axis=1)[:, block - 1 :: block]
    shape = (runs, units // block, block)
    high, low = ndtri((2 * n - ones) / (2 * n)), ndtri((n - ones) / (2 * n))
    u = np.where(values.reshape(shape) == 1, high[:, :, None], low[:, :, None])
    u = np.where(np.isfinite(u), u, 0.0)
    kept = ~treated.reshape(shape)
    assert (kept.sum(axis=2) == 1).all()
    lone = (u * kept).sum(axis=2)[:, :, None]
    mean = np.exp(-u[:, :, :, None] * effects).mean(axis=2)
    gains = np.zeros((runs, units, len(effects)))
    gains[:, block - 1 :: block] = -lone * effects - np.log(mean)
    return gains


def log_pairs(values, treated, every):
    """Return the log e-values of the rule on pairs for greater and less, at every so many."""
    totals, counts = [], []
    for arm in (~treated, treated):
        order = np.argsort(~arm, axis=1, kind="stable")  # those of the arm first, as they came
        totals.append(np.cumsum(np.take_along_axis(values, order, axis=1), axis=1))
        counts.append(np.cumsum(arm, axis=1)[:, every - 1 :: every])
    pairs = np.minimum(*counts)
    control, treatment = (
        np.take_along_axis(total, np.maximum(pairs - 1, 0), axis=1) * (pairs > 0)
        for total in totals
    )
    return rates.log_e(control, treatment, pairs), rates.log_e(treatment, control, pairs)


def crossed(log_e, treated, every=1):
    """Say in which experiments evidence convinces at some look, with enough units."""
    units = np.minimum(np.cumsum(treated, axis=1), np.cumsum(~treated, axis=1))
    return ((log_e >= BAR) & (units[:, every - 1 :: every] >= LEAST)).any(axis=1)


def kept_less(values, treated, ratio, every=25):
    """Say in which experiments the likelihood of two rates shows a ratio below this one."""
    looks = slice(every - 1, None, every)
    counts = np.stack(
        [
            np.cumsum(it, axis=1)[:, looks]
            for arm in (~treated, treated)
            for it in (values * arm, arm)
        ],
        axis=-1,
    )
    ready = np.minimum(counts[..., 1], counts[..., 3]) >= LEAST
    shown = [
        any(anytime_ratio_evidence(*look, ratio)[1] >= BAR for look in run[is_ready].tolist())
        for run, is_ready in zip(counts, ready, strict=True)
    ]
    return np.array(shown)


def by_draw(values, treated, share, block):
    """Say in which experiments the draw tells more, and less, at a look after every unit."""
    return [crossed(it, treated) for it in log_draws(values, treated, share, block)]


def by_pairs(values, treated, share, block, every=5):
    """Say in which experiments pairs tell more, and less, at a look after every so many."""
    del share, block
    return [crossed(it, treated, every) for it in log_pairs(values, treated, every)]


def errors(rng, world, *rules, experiments, share, block):
    """Return how often rules tell alike arms apart: more and less by the first, and so on."""
    wrong = []
    for begin in range(0, experiments, _CHUNK):
        runs = min(_CHUNK, experiments - begin)
        made = courses(rng, world, experiments=runs, units=UNITS, share=share, block=block)
        wrong.append([found for rule in rules for found in rule(*made, share, block)])
    return np.concatenate(wrong, axis=1).mean(axis=1)


def unequal_rates_table(page, factor):
    page.section(
        ANCHOR,
        "Arms that are alike, units drawn one by one, looked at after every unit to "
        f"{UNITS:,}: the draw decides. Its promise holds by arithmetic, and shares lie around "
        "it by chance: as broken counts what lies above 5% by three standard errors. Beside it "
        "what the rule on pairs would do, which serves equal shares, looked at after every "
        "fifth unit.",
        "world", "share of the treatment", "experiments", "promoted", "rejected",
        "pairs: promoted", "pairs: rejected",
    )  # fmt: skip
    runs = max(100, int(1000 * factor))
    for number, (name, world) in enumerate(WORLDS.items()):
        for share in (0.2, 0.8):
            rng = np.random.default_rng(9200 + 10 * number + round(10 * share))
            more, less, *pairs = errors(
                rng, world, by_draw, by_pairs, experiments=runs, share=share, block=0
            )
            page.row(
                name,
                f"{share:.0%}",
                runs,
                page.check(more, most=0.05, runs=runs),
                page.check(less, most=0.05, runs=runs),
                *(f"{it:.1%}" for it in pairs),
            )
    power_table(page, factor)


def holdout_rates_table(page, factor):
    page.section(
        "Holdouts of rates",
        f"As above, of rates, to {UNITS:,} uses. Either the promoted text has lost all, or it "
        f"succeeds just {KEPT_RATIO} times as often, which it was to keep; decayed is asked "
        "every 25 uses. Shares lie around 5% by chance: as broken counts what lies above it by "
        "three standard errors.",
        "world", "share", "experiments", "still better", "reversed", "decayed",
    )  # fmt: skip
    runs = max(40, int(1000 * factor))
    for number, (name, world) in enumerate(WORLDS.items()):
        for share, block in ((0.2, 5), (0.1, 10)):
            rng = np.random.default_rng(9400 + 10 * number + block)
            course = {"experiments": runs, "share": 1 - share, "block": block}
            more, less = errors(rng, world, by_draw, **course)
            decayed = decays(rng, world, **course)
            checked = (page.check(it, most=0.05, runs=runs) for it in (more, less, decayed))
            page.row(name, f"{share:.0%}", runs, *checked)


def decays(rng, world, *, experiments, share, block):
    """Return how often what keeps just so much is said to have decayed."""
    made = courses(
        rng, world, experiments=experiments, units=UNITS, share=share, block=block,
        ratio=KEPT_RATIO,
    )  # fmt: skip
    return kept_less(*made, KEPT_RATIO).mean()


def power_table(page, factor):
    page.section(
        "Proof in unequal shares",
        f"How many experiments show a better rate within {UNITS:,} units, one in five of which "
        "are the control's.",
        "rates", "experiments", "by the draw", "by pairs",
    )  # fmt: skip
    runs = max(50, int(300 * factor))
    for number, (one, other) in enumerate(((0.5, 0.65), (0.6, 0.8), (0.8, 0.9))):
        rng = np.random.default_rng(9300 + number)
        made = courses(
            rng, lambda place, rate=one: rate + 0 * place, experiments=runs, units=UNITS,
            share=0.8, block=0, ratio=other / one,
        )  # fmt: skip
        page.row(
            f"{one}, {other}",
            runs,
            f"{crossed(log_draws(*made, 0.8, 0)[0], made[1]).mean():.0%}",
            f"{crossed(log_pairs(*made, 5)[0], made[1], 5).mean():.0%}",
        )

"""What promotions save together is added up once, for as long as each of them stands."""

import random

import pytest

from meta_experiment.decide.reporting.savings import StandingTime, savings
from meta_experiment.types import OutcomeImpact, UseSaving

DAY = 86_400.0
MONTH = 30 * DAY


def promotion(day, saved, half=4.0, *, until=None, uses=100.0, before=None, **more):
    """Return one that saves seconds in each use, give or take a half width."""
    low, high = (None, None) if half is None else (saved - half, saved + half)
    impact = OutcomeImpact(
        uses, 0.9, {"duration_seconds": UseSaving("s", 60.0, saved, low, high)}
    )
    until = None if until is None else until * DAY
    prompt = more.pop("prompt", "a.md")
    return StandingTime(prompt, day * DAY, until, before, more.pop("impact", impact), **more)


def told(*promotions, as_of=60):
    found = savings(promotions, as_of * DAY)
    (item,) = found.items
    return found, item


def amounts(found):
    return (found.saved, found.low, found.high)


def test_promotions_of_one_prompt_add_up_and_errors_add_in_squares():
    found, item = told(promotion(0, 10, 3), promotion(30, 20, 4))
    assert (found.promotions, found.standing, found.known, found.level) == (2, 2, 2, 0.9)
    assert amounts(item.month) == (3000, 2500, 3500)
    # two months of the first, one of the second
    assert amounts(item.so_far) == pytest.approx((4000, 4000 - 721.11, 4000 + 721.11))


def test_what_was_taken_back_counts_until_then_and_then_no_more():
    found, item = told(promotion(0, 10, until=15), promotion(30, 20, prompt="b.md"))
    assert (found.promotions, found.standing) == (2, 1)
    assert item.month.saved == 2000
    assert item.so_far.saved == pytest.approx(500 + 2000)
    _, alone = told(promotion(0, 10, until=15))
    assert amounts(alone.month) == (0, 0, 0)


def test_a_month_is_of_the_uses_seen_last_of_each_prompt():
    _, item = told(promotion(0, 10, uses=100), promotion(30, 20, uses=10))
    assert item.month.saved == 300
    assert item.so_far.saved == 2 * 1000 + 200
    _, apart = told(promotion(0, 10), promotion(30, 20, uses=10, prompt="b.md"))
    assert apart.month.saved == 1200


def test_what_was_undone_by_hand_does_not_count_beside_its_like():
    """The text from before stood there again, as a later promotion found it."""
    again = told(promotion(0, 10, before="v0"), promotion(30, 12, before="v0"))
    assert (again[0].standing, again[1].month.saved) == (1, 1200)
    assert again[1].so_far.saved == pytest.approx(1000 + 1200)
    chained = told(promotion(0, 10, before="v0"), promotion(30, 12, before="v1"))
    assert (chained[0].standing, chained[1].month.saved) == (2, 2200)
    elsewhere = told(
        promotion(0, 10, before="v0"), promotion(30, 12, before="v0", prompt="b.md")
    )
    assert elsewhere[0].standing == 2
    edited = told(promotion(0, 10, before=None), promotion(30, 12, before=None))
    assert edited[0].standing == 2


def ended(times):
    """Return when each ended, by what it is: after it, a text was found that it had replaced,
    or that stood there before one of those since."""
    return [
        min(
            [
                one.until if one.until is not None else float("inf"),
                *(
                    later.at
                    for place, later in enumerate(times)
                    if place > number
                    and later.before is not None
                    and any(
                        (it.prompt, it.before)
                        == (later.prompt, later.before)
                        == (one.prompt, it.before)
                        for it in times[: number + 1]
                    )
                ),
            ]
        )
        for number, one in enumerate(times)
    ]


@pytest.mark.parametrize("seed", range(40))
def test_however_promotions_follow_each_other_each_stands_until_it_was_undone(seed):
    chance = random.Random(seed)  # noqa: S311 - data
    times = [
        promotion(
            day,
            10,
            until=chance.choice([None, None, day + chance.randrange(1, 9)]),
            before=chance.choice([None, {"sha256": "a"}, {"sha256": "b"}, {"sha256": "c"}]),
            prompt=chance.choice(["a.md", "b.md"]),
        )
        for day in range(chance.randrange(1, 14))
    ]
    ends = [min(end, 60 * DAY) for end in ended(times)]
    spans = [(end - one.at) / MONTH for one, end in zip(times, ends, strict=True)]
    found, item = told(*times)
    assert item.so_far.saved == pytest.approx(1000 * sum(max(0, span) for span in spans))
    assert found.standing == sum(end == float("inf") for end in ended(times))


def test_what_has_no_figures_is_counted_and_not_guessed():
    blind = promotion(10, 0, impact=None)
    rare = promotion(20, 5, uses=None)
    found, item = told(promotion(0, 10), blind, rare)
    assert (found.promotions, found.standing, found.known) == (3, 3, 1)
    assert item.month.saved == 1000
    assert savings([blind], DAY).items == ()
    assert savings([blind], DAY).level is None
    assert savings([], DAY) is None


def test_one_end_without_bound_leaves_the_sum_without():
    _, item = told(promotion(0, 10), promotion(1, 5, None))
    assert item.month.saved == 1500
    assert (item.month.low, item.month.high) == (None, None)


def test_the_interval_of_the_sum_holds_as_often_as_it_says():
    """Of normal estimates at their exact widths; those of a rule are wider."""
    drawn = random.Random(5)  # noqa: S311
    inside, many = 0, 2000
    for _ in range(many):
        true = [drawn.uniform(-5, 20) for _ in range(6)]
        spread = [drawn.uniform(0.5, 6) for _ in range(6)]
        found = [
            promotion(0, drawn.gauss(mean, sd), 1.645 * sd, prompt=str(place))
            for place, (mean, sd) in enumerate(zip(true, spread, strict=True))
        ]
        (item,) = savings(found, MONTH).items
        inside += item.month.low <= 100 * sum(true) <= item.month.high
    assert 0.885 < inside / many < 0.915


@pytest.mark.parametrize("uses", [1e308, -5.0, 0.0])
def test_figures_that_nobody_can_have_seen_enter_no_sum(uses):
    """Whoever may commit the registry may write any number into it."""
    forged = promotion(0, 1e308, None, uses=uses, prompt="b.md")
    found, item = told(promotion(0, 10), forged, forged)
    assert (found.promotions, found.known, item.promotions) == (3, 1, 1)
    assert item.month.saved == 1000


@pytest.mark.parametrize("level", [-3.0, 0.0, 1.0, 90.0])
def test_an_interval_of_no_level_enters_no_sum(level):
    forged = OutcomeImpact(100.0, level, {"duration_seconds": UseSaving("s", 60, 1, 1, 1)})
    found, item = told(promotion(0, 10), promotion(0, 0, prompt="b.md", impact=forged))
    assert (found.known, found.level, item.month.saved) == (1, 0.9, 1000)

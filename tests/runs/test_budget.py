"""Caps are asked before each start, with a reserve for what is under way."""

from meta_experiment.runs.budget import Budget, Caps
from meta_experiment.types.runs import Bill, Spent


def test_the_dearest_run_is_held_back_for_each_under_way():
    budget = Budget(Caps(usd=1.0))
    assert budget.refusal(0, 0.0) is None
    for usd in (0.1, 0.2, 0.1):
        budget.spend(Bill(Spent(usd, 10)))
    assert budget.refusal(1, 0.0) is None  # 0.4 + 2 x 0.2
    assert budget.refusal(2, 0.0) is None  # 0.4 + 3 x 0.2, exactly the cap
    assert "cap of $1" in budget.refusal(3, 0.0)


def test_tokens_and_minutes_are_caps_too():
    budget = Budget(Caps(tokens=1000, seconds=60))
    budget.spend(Bill(Spent(None, 400)))
    assert budget.refusal(0, 59.0) is None
    assert "1,000 tokens" in budget.refusal(1, 59.0)
    assert "1 minutes are over" in budget.refusal(0, 60.0)


def test_an_unknown_price_ends_a_cap_in_usd():
    """Unknown is not free: a cap that cannot hold starts nothing."""
    budget = Budget(Caps(usd=5.0))
    budget.spend(Bill(Spent(None, 100)))
    assert "not known" in budget.refusal(0, 0.0)
    assert Budget(Caps()).refusal(100, 1e9) is None


def test_unknown_tokens_end_a_cap_in_tokens():
    budget = Budget(Caps(tokens=500))
    budget.spend(Bill(Spent(0.01)))
    assert "tokens of 1 of its runs are not known" in budget.refusal(0, 0.0)
    assert "one in USD" in budget.refusal(0, 0.0)
    assert Spent(0.01) + Spent(0.0, 5.0) == Spent(0.01)


def test_what_neither_cap_can_hold_is_left_to_the_clock():
    for caps in (Caps(tokens=500), Caps(usd=5.0)):
        budget = Budget(caps)
        budget.spend(Bill(Spent()))
        assert "one in minutes" in budget.refusal(0, 0.0)


def test_what_a_run_takes_is_seen_by_one_before_others_begin():
    budget = Budget(Caps(usd=1.0))
    assert budget.refusal(0, 0.0) is None
    assert budget.refusal(1, 0.0) is not None
    budget.spend(Bill(Spent(usd=0.1)))
    assert budget.refusal(1, 0.0) is None
    assert Budget(Caps(seconds=9.0)).refusal(7, 0.0) is None


def test_runs_that_were_cut_off_may_have_taken_as_much_as_the_dearest():
    budget = Budget(Caps(usd=1.0))
    budget.spend(Bill(Spent(cut=True)))
    assert budget.refusal(0, 0.0) is None
    budget.spend(Bill(Spent(usd=0.4)))
    assert budget.refusal(0, 0.0) is not None
    assert budget.unpriced == 0


def test_a_cap_in_dollars_does_not_hold_where_every_run_is_cut_off():
    budget = Budget(Caps(usd=1.0))
    for _ in range(3):
        budget.spend(Bill(Spent(cut=True)))
    assert "3 of its runs is not known" in budget.refusal(0, 0.0)


def test_a_cap_in_tokens_does_not_hold_where_every_run_is_cut_off():
    budget = Budget(Caps(tokens=100))
    for _ in range(3):
        assert budget.refusal(0, 0.0) is None
        budget.spend(Bill(Spent(cut=True)))
    assert "tokens of 3 of its runs" in budget.refusal(0, 0.0)


def test_a_judge_of_unknown_price_leaves_the_agents_prices_known():
    budget = Budget(Caps(usd=5.0))
    for _ in range(2):
        budget.spend(Bill(Spent(0.5, 10.0), Spent(None, 4.0)))
    assert (budget.usd, budget.tokens) == (1.0, 28.0)
    assert (budget.unpriced, budget.judge_unpriced) == (0, 2)
    assert "the price of its judge is not known" in budget.refusal(0, 0.0)
    assert "one in tokens" in budget.refusal(0, 0.0)

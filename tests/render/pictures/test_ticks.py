"""Values beside an axis are told apart, and short, however large or small they are."""

import pytest

from meta_experiment.render.pictures.scales import PictureScale
from meta_experiment.render.report_words import tick


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [
        (1e-70, 1e74, True),
        (1e-40, 1e-20, True),
        (3e-20, 8e-20, False),
        (2e11, 9e11, False),
        (-5e8, 5e8, False),
        (-4000.0, -1000.0, False),
        (20.0, 900.0, True),
    ],
)
def test_no_two_ticks_are_alike_and_none_is_long(low, high, log):
    ticks = PictureScale(low, high, 0.0, 300.0, log).ticks(4)
    told = [tick(at) for at in ticks]
    assert len(ticks) > 1
    assert len(set(told)) == len(told)
    assert max(map(len, told)) <= 9
    near = 0.001 * (low if log else high - low)
    assert all(low - near <= at <= high * (1.001 if log else 1) + near for at in ticks)


def test_values_beside_an_axis():
    told = {0.0: "0", 0.5: "0.5", -2000.0: "−2,000", 1e6: "1,000,000", 2.5e11: "2.5·10¹¹"}
    told |= {1e9: "10⁹", 1e-6: "10⁻⁶", -3e-7: "−3·10⁻⁷"}
    assert {at: tick(at) for at in told} == told

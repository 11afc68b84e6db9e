"""The benchmark of `collect` in a small form: both ways come to the same sums."""

import json

import pytest
from benchmarks import collecting


@pytest.mark.parametrize("case", collecting.BARE)
def test_both_ways_come_to_the_same_sums(tmp_path, capsys, case):
    words = ["--rows", "20000", "--rounds", "1", "--case", case, "--folder", str(tmp_path)]
    collecting.main(words)
    assert json.loads(capsys.readouterr().out)["case"] == case


def test_other_sums_are_no_comparison(tmp_path, monkeypatch):
    wrong = collecting.BARE["once"].replace(
        "min(variant) v, max(variant) w", "'control' v, 'control' w"
    )
    monkeypatch.setitem(collecting.BARE, "once", wrong)
    with pytest.raises(SystemExit, match="other groups"):
        collecting.main(["--rows", "20000", "--case", "once", "--folder", str(tmp_path)])

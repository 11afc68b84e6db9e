"""The page on cases says what is read."""

import json
import re
from pathlib import Path

from meta_experiment.runs.cases.case_fields import case
from meta_experiment.runs.cases.criterion_fields import OPTIONS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "cases.md").read_text("utf-8")


def test_the_example_is_a_case():
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert case(json.loads(example), "page").case_id == "slow-query"


def test_every_kind_stands_there_with_its_options():
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|(.*?)\|$", PAGE, re.MULTILINE)
    told = {kind: row[2] for row in rows for kind in re.findall(r"`(\w+)`", row[0])}
    assert set(told) == set(OPTIONS)
    for kind, options in OPTIONS.items():
        assert all(f"`{option}" in told[kind] for option in options)

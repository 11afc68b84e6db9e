"""`cases`: cases out of past uses, and what a set of cases is."""

from __future__ import annotations

from meta_experiment.cli.groups import Noun

_HERE = "meta_experiment.cli.verbs.cases"

command = Noun(
    "cases",
    "Make cases out of past uses, and say what a set of cases is.",
    {
        "mine": f"{_HERE}.case_mining:command",
        "check": f"{_HERE}.case_sets:command",
    },
)

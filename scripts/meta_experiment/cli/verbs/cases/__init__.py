"""`cases`: sets of cases, before they are run."""

from __future__ import annotations

from meta_experiment.cli.groups import Noun

_HERE = "meta_experiment.cli.verbs.cases"

command = Noun(
    "cases",
    "Make cases out of past uses, say what a set of cases is, hold some out.",
    {
        "mine": f"{_HERE}.case_mining:command",
        "check": f"{_HERE}.case_sets:command",
        "split": f"{_HERE}.case_split:command",
    },
)

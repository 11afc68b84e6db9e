"""`runs`: what came of the runs of variants on cases."""

from __future__ import annotations

from meta_experiment.cli.groups import Noun

_HERE = "meta_experiment.cli.verbs.runs"

command = Noun(
    "runs",
    "Look at the runs of variants on cases, complete their verdicts, take over their work.",
    {
        "list": f"{_HERE}.run_list:command",
        "show": f"{_HERE}.run_summary:command",
        "diff": f"{_HERE}.run_difference:command",
        "merge": f"{_HERE}.run_merge:command",
        "rate": f"{_HERE}.run_rating:command",
        "replay": f"{_HERE}.replay:command",
        "judge": f"{_HERE}.run_judging:command",
        "profile": f"{_HERE}.run_profile:command",
        "export": f"{_HERE}.run_export:command",
        "matrix": f"{_HERE}.run_matrix:command",
        "pack": f"{_HERE}.run_packing:command",
        "take": f"{_HERE}.run_taking:command",
    },
)

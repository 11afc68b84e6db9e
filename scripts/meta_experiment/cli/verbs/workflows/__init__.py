"""`workflows`: the experiments of agentic workflows."""

from __future__ import annotations

from meta_experiment.cli.groups import Noun

_HERE = "meta_experiment.cli.verbs.workflows"

command = Noun(
    "workflows",
    "Look at the experiments of agentic workflows (gh-aw), and go on with them.",
    {
        "list": f"{_HERE}.workflow_list:command",
        "show": f"{_HERE}.workflow_view:command",
        "pick": f"{_HERE}.workflow_pick:command",
        "darwin": f"{_HERE}.workflow_generation:command",
        "audit": f"{_HERE}.workflow_audit:command",
        "report": f"{_HERE}.workflow_report:command",
    },
)

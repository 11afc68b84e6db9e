"""`store`: the team's store, where machines exchange trials."""

from __future__ import annotations

from meta_experiment.cli.groups import Noun

_HERE = "meta_experiment.cli.verbs.store"

command = Noun(
    "store",
    "Exchange trials with the other machines of a team.",
    {
        "use": f"{_HERE}.store_use:command",
        "show": f"{_HERE}.store_show:command",
        "ship": f"{_HERE}.store_ship:command",
        "check": f"{_HERE}.store_check:command",
        "admit": f"{_HERE}.store_admit:command",
    },
)

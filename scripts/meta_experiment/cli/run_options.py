"""The flags of whoever runs an agent: how it runs, and what all of its runs may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from meta_experiment.errors import UsageError, cite
from meta_experiment.runs.agents.agent import AgentOptions
from meta_experiment.runs.budget import Caps
from meta_experiment.runs.run_shares import Share

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

_LONGEST = 24 * 3600.0
_ABOVE_ZERO = click.FloatRange(0, min_open=True)

tool_option = click.option(
    "--tool", "tools", multiple=True, metavar="RULE", help="A tool it may use. Repeatable."
)
minutes_option = click.option(
    "--max-minutes", metavar="MINUTES", type=_ABOVE_ZERO, help="Of this call."
)


def client_options(budget: str) -> Option:
    """Return the flags of how claude runs; `budget` says of --max-budget-usd what it is."""
    options = (
        click.option("--model", metavar="NAME", help="The model, for claude."),
        click.option("--effort", metavar="LEVEL", help="The effort, for claude."),
        tool_option,
        click.option(
            "--max-turns", metavar="N", type=click.IntRange(1), help="Turns of one run at most."
        ),
        click.option("--max-budget-usd", metavar="USD", type=_ABOVE_ZERO, help=budget),
    )

    def add(body: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            body = option(body)
        return body

    return add


def repeats_option(body: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flag of how often each case is run."""
    return click.option(
        "--repeats",
        metavar="N",
        type=click.IntRange(1, 1000),
        default=1,
        show_default=True,
        help="How often each case is run in every arm.",
    )(body)


def timeout_option(told: str) -> Option:
    """Return the flag of how long one run may take."""
    return click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(1, _LONGEST),
        default=600.0,
        show_default=True,
        help=told,
    )


def usd_option(told: str) -> Option:
    """Return the flag of the most US dollars."""
    return click.option("--max-usd", metavar="USD", type=_ABOVE_ZERO, help=told)


def tokens_option(told: str) -> Option:
    """Return the flag of the most tokens."""
    return click.option("--max-tokens", metavar="N", type=_ABOVE_ZERO, help=told)


def key_of_parts(environment: Mapping[str, str]) -> bytes:
    """Return the key by which parts of runs are sealed; empty without one."""
    return environment.get("META_EXPERIMENT_PARTS_KEY", "").strip().encode()


def share_named(words: str) -> Share:
    """Return the share that is meant by `2/8`. Raises UsageError."""
    number, _, of = words.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 0 < int(number) <= int(of)):
        raise UsageError(f"{cite(words)} is no share; expected one such as 2/8.")
    return Share(int(number), int(of))


def agent_options(said: dict[str, Any]) -> AgentOptions:
    """Return how an agent is to run."""
    return AgentOptions(
        within=said["timeout"],
        model=said["model"],
        effort=said["effort"],
        tools=said["tools"],
        most_turns=said["max_turns"],
        most_usd=said.get("max_budget_usd"),
    )


def caps(said: dict[str, Any]) -> Caps:
    """Return what all runs together may take."""
    minutes = said.get("max_minutes")
    return Caps(
        said["max_usd"], said["max_tokens"], None if minutes is None else 60.0 * minutes
    )

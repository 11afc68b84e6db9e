"""`completion`: what a shell needs to complete words at TAB."""

from __future__ import annotations

import click

from meta_experiment.cli.completion import SHELLS, script
from meta_experiment.cli.frame import Place, Result, verb
from meta_experiment.render.blocks import lines
from meta_experiment.types.results.completion import CompletionScript


@verb(
    example=(
        'eval "$(meta-experiment completion bash)"     # in ~/.bashrc\n'
        '  eval "$(meta-experiment completion zsh)"      # in ~/.zshrc, after compinit\n'
        "  meta-experiment completion fish > ~/.config/fish/completions/meta-experiment.fish"
    )
)
@click.argument("shell", metavar="SHELL", type=click.Choice(SHELLS))
def completion_verb(place: Place, shell: str) -> Result:
    """Print the script by which a shell completes verbs, options and their values at TAB.

    SHELL is bash (4.4 or newer), zsh or fish. Experiments and their arms are offered as the
    board last showed them, metrics by the names that are known. Pressing TAB writes nothing.
    """
    del place
    text = script(shell)
    return Result(CompletionScript(shell, text), lines(text.rstrip()))


command = completion_verb

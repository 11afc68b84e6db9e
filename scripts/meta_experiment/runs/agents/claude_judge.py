"""Claude Code as a judge: one answer of the model, with no tool and nothing of the project."""

from __future__ import annotations

import json
from collections.abc import Iterator

from meta_experiment.runs.agents.agent import Task
from meta_experiment.runs.agents.claude import Claude

_ROLE = "You judge work by a target. You answer with one JSON object and nothing else."


class ClaudeJudge(Claude):
    """The client that PATH has, as far as it takes to ask its model a question."""

    def _words(self, task: Task) -> Iterator[str]:
        del task
        yield from (self._program(), "-p", "--output-format", "stream-json", "--verbose")
        yield from ("--setting-sources", "", "--strict-mcp-config", "--disable-slash-commands")
        yield from ("--tools", "", "--max-turns", "1", "--system-prompt", _ROLE)
        yield from ("--settings", json.dumps(self._settings()))
        for flag, value in (
            ("--model", self._options.model),
            ("--effort", self._options.effort),
        ):
            if value is not None:
                yield from (flag, value)

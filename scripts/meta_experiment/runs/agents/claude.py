"""Claude Code as an agent: the client, headless, with a configuration of its own.

Nothing of the user's reaches a run but the login: no settings, hooks, plugins, memory or
`CLAUDE.md`. What the project brings along is loaded as ever. What lets a plugin, another
configuration or a server in is said by the case's project itself, alike for every variant.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from meta_experiment.errors import DependencyError
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.files.programs import find_program
from meta_experiment.runs.agents import left_files
from meta_experiment.runs.agents.agent import AgentOptions, Task
from meta_experiment.runs.agents.claude_run import ClaudeRun, in_vain, read_run
from meta_experiment.runs.agents.left_files import head
from meta_experiment.runs.agents.receipt import received
from meta_experiment.runs.agents.surroundings import surroundings
from meta_experiment.runs.cases.conversation import Line, conversation, parsed, written
from meta_experiment.runs.supervising import Launch, ProgramEnding
from meta_experiment.types import TrialStatus
from meta_experiment.types.runs import AgentReport, Failure, FailureKind, Spent

_TOOLS = ("Bash", "Read", "Skill", "Agent", "Glob", "Grep", "TodoWrite")
_CONFIG = "config"
_HISTORY = "history.jsonl"
_EARLIER = "earlier"  # the ids of lines of a transcript that were there before the run
_LONGEST_LINE = 16 << 20  # bytes

# What a run inherits: where programs are, how to reach the service, who pays.
_INHERITED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "CLOUD_ML_REGION",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "CLAUDE_CODE_OAUTH_TOKEN",
)  # fmt: skip
_INHERITED_OF = ("LC_", "ANTHROPIC_", "AWS_", "GOOGLE_", "CLAUDE_CODE_USE_")
_PASSED_ON = ("apiKeyHelper", "awsAuthRefresh", "awsCredentialExport")  # of a user's settings
_PASSED_ON_OF = ("ANTHROPIC_", "AWS_", "GOOGLE_", "CLAUDE_CODE_USE_", "CLAUDE_CODE_OAUTH")

# How a run with a result ended, by its failure: what it took up to its cap is less than all.
_STATUSES = {None: TrialStatus.OK, FailureKind.CAP: TrialStatus.INTERRUPTED}

# Waits out an overloaded service within the run: making it anew would keep the short ones.
_PATIENT = {"CLAUDE_CODE_RETRY_WATCHDOG": "1"}
_QUIET = {
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
}


class Claude:
    """The client that PATH has."""

    name = "claude"
    takes_history = True

    def __init__(self, options: AgentOptions, environment: Mapping[str, str]) -> None:
        """Take what is the same for every run; `environment` is the user's."""
        self._options = options
        self._environment = environment

    @property
    def identity(self) -> str:
        """Its name, with the model and the effort that are asked for."""
        asked = (self.name, self._options.model, self._options.effort)
        return "/".join(item for item in asked if item)

    def require(self) -> None:
        """Look for the client.

        Raises:
            DependencyError: PATH has none.
        """
        self._program()

    def launch(self, task: Task) -> Launch:
        """Start it in the checkout; the prompt is typed on stdin, as a user would.

        Where the case goes on in a conversation, a copy of that is taken up.
        """
        return Launch(
            command=(*self._words(task), *self._taken_up(task)),
            directory=task.checkout,
            environment=self._variables(task),
            stdin=task.prompt,
            folder=task.attempt,
            within=task.case.timeout_seconds or self._options.within,
            output_limit=self._options.most_output,
        )

    def stuck(self, task: Task) -> Failure | None:
        """Look whether it asks again and again for what it will not get."""
        return in_vain(task.attempt / "stdout")

    def report(self, task: Task, ending: ProgramEnding) -> AgentReport:
        """Read its stream of events and its transcript."""
        earlier = left_files.lines(task.attempt / _EARLIER, _LONGEST_LINE)
        run = read_run(
            task.attempt / "stdout",
            self._config(task),
            frozenset(line.decode("utf-8", "replace").strip() for line in earlier),
        )
        status, failure = _judged(run, ending, task.attempt / "stderr")
        return AgentReport(
            status=status,
            output=run.answer,
            metrics=dict(_metrics(run, ending)),
            spent=Spent(run.usd, run.tokens if run.usage or run.usd == 0 else None),
            received=received(
                task.texts, task.others, run.given, run.asked_for, len(task.case.prompt)
            ),
            failure=failure,
            tools=run.tools,
            tool_inputs=run.tool_inputs,
            fingerprint={"agent": self.identity, **run.fingerprint},
        )

    def _words(self, task: Task) -> Iterator[str]:
        options, checkout = self._options, task.checkout.resolve()
        yield from (self._program(), "-p", "--output-format", "stream-json", "--verbose")
        yield from ("--setting-sources", "project", "--strict-mcp-config")
        yield from ("--permission-mode", "dontAsk")
        inside = (f"Write(//{str(checkout)[1:]}/**)", f"Edit(//{str(checkout)[1:]}/**)")
        yield from ("--allowedTools", ",".join((*(options.tools or _TOOLS), *inside)))
        yield from ("--settings", json.dumps(self._settings()))
        for flag, value in (
            ("--model", options.model),
            ("--effort", options.effort),
            ("--max-turns", options.most_turns),
            ("--max-budget-usd", options.most_usd),
        ):
            if value is not None:
                yield from (flag, str(value))

    def _taken_up(self, task: Task) -> Iterator[str]:
        """Lay a copy of what was said before the prompt into the run's own configuration."""
        if task.case.history is None:
            return
        place = self._config(task) / _HISTORY
        raw = left_files.lines(Path(task.case.history), _LONGEST_LINE)
        said = conversation(parsed(raw))
        FileSystem().make_directory(place.parent)
        FileSystem().create(place, written(said))
        note_earlier(task.attempt, said)
        yield from ("--resume", str(place), "--fork-session")

    def _config(self, task: Task) -> Path:
        """Return the folder in which the client keeps what is its own."""
        return task.attempt / _CONFIG

    def _settings(self) -> dict[str, object]:
        """Return what keeps a user's instructions out, and lets a user's login in."""
        home = Path(self._environment.get("HOME", "/")).resolve()
        known = _json_object(self._user_folder(home) / "settings.json")
        found: dict[str, object] = {key: known[key] for key in _PASSED_ON if key in known}
        variables = known.get("env")
        if isinstance(variables, dict):
            found["env"] = {
                key: value
                for key, value in variables.items()
                if isinstance(value, str) and key.startswith(_PASSED_ON_OF)
            }
        return found | {"claudeMdExcludes": [f"{home}/CLAUDE.md", f"{home}/.claude/**"]}

    def _user_folder(self, home: Path) -> Path:
        return Path(self._environment.get("CLAUDE_CONFIG_DIR") or home / ".claude")

    def _variables(self, task: Task) -> dict[str, str]:
        inherited = {
            key: value
            for key, value in self._environment.items()
            if key in _INHERITED or key.startswith(_INHERITED_OF)
        }
        kept = {key: inherited[key] for key in inherited if key.startswith("CLAUDE")}
        return {
            **surroundings(task, inherited),
            **kept,
            **_QUIET,
            **_PATIENT,
            "CLAUDE_CONFIG_DIR": str(self._config(task)),
            # the login stays where it is: a copy of it would go stale
            "CLAUDE_SECURESTORAGE_CONFIG_DIR": self._environment.get("CLAUDE_CONFIG_DIR", ""),
            "CLAUDE_CODE_TMPDIR": str(task.attempt / "tmp"),
        }

    def _program(self) -> str:
        found = find_program("claude", self._environment)
        if found is None:
            raise DependencyError(
                "There is no claude on PATH to run the cases.",
                hint="Install Claude Code, or name another agent: --agent 'COMMAND …'",
            )
        return found


def note_earlier(attempt: Path, lines: Iterable[Line]) -> None:
    """Note which lines of a transcript are none of the run that is to begin."""
    ids = "".join(f"{line['uuid']}\n" for line in lines if "uuid" in line)
    FileSystem().create(attempt / _EARLIER, ids.encode("utf-8", "replace"))


def _metrics(run: ClaudeRun, ending: ProgramEnding) -> Iterator[tuple[str, float]]:
    seconds = ending.seconds if run.seconds is None else run.seconds
    yield "duration_seconds", seconds
    yield "active_seconds", max(0.0, seconds - run.retrying)
    if run.usd is not None:
        yield "cost_usd", run.usd
    yield from run.usage.items()
    yield "tool_calls", float(len(run.tools))
    yield "tool_errors", float(run.tool_errors)


def _judged(
    run: ClaudeRun, ending: ProgramEnding, stderr: Path
) -> tuple[TrialStatus, Failure | None]:
    """Say how a run ended and whose fault it was, by all that tells of it.

    The client ends with "success" where the service refused it, and with 0 where it was
    interrupted: neither the subtype nor the exit code is enough.
    """
    if ending.lost or (ending.stopped and not run.has_result):
        return TrialStatus.INTERRUPTED, Failure(FailureKind.OURS, "it was stopped")
    if ending.timed_out and not run.has_result:
        if run.is_waiting:
            why = "the service had not answered when its time was over"
            return TrialStatus.INTERRUPTED, Failure(FailureKind.MACHINE, why)
        why = f"it did not end within {ending.seconds:.3g} seconds"
        return TrialStatus.TIMEOUT, Failure(FailureKind.AGENT, why)
    if ending.flooded:
        return TrialStatus.ERROR, Failure(FailureKind.AGENT, "it printed too much")
    if not run.has_result:
        said = _first_words(stderr) or f"the client ended with {ending.code} and no result"
        return TrialStatus.ERROR, Failure(FailureKind.SETUP, said)
    failure = run.failure
    return _STATUSES.get(failure.kind if failure else None, TrialStatus.ERROR), failure


def _first_words(path: Path) -> str:
    return " ".join(head(path, 2_000).decode("utf-8", "replace").split())[:300]


def _json_object(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

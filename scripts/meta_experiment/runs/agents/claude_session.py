"""Claude Code over several runs that are turns of one session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from meta_experiment.files.atomic import write_atomically
from meta_experiment.files.filesystem import FileSystem
from meta_experiment.runs.agents import left_files
from meta_experiment.runs.agents.agent import AgentOptions, Task
from meta_experiment.runs.agents.claude import Claude, note_earlier
from meta_experiment.runs.cases.conversation import parsed

_LONGEST_LINE = 64 << 20  # bytes
_COSTS = b'{"type":"cost-state"'


class ClaudeSession(Claude):
    """The client that PATH has, each of whose runs goes on where the one before ended.

    What it keeps of itself lies in one folder for all of them. Figures are those of each turn.
    """

    def __init__(
        self, options: AgentOptions, environment: Mapping[str, str], folder: Path
    ) -> None:
        """Take what is the same for every turn, and the folder."""
        super().__init__(options, environment)
        self._folder = folder

    @property
    def transcript(self) -> Path | None:
        """The transcript of the session; None before its first turn.

        What lies behind a folder that an agent has linked to is somebody else's.
        """
        own = self._folder.parent.resolve() / self._folder.name / "projects"
        found = sorted(self._folder.glob("projects/*/*.jsonl"))
        return next((path for path in found if path.parent.resolve().parent == own), None)

    def _config(self, task: Task) -> Path:
        del task
        return self._folder

    def _taken_up(self, task: Task) -> Iterator[str]:
        """Go on in the session, if it has begun.

        The client's note of what it cost so far is taken away, as it would go on counting.
        """
        transcript = self.transcript
        if transcript is None:
            return
        rows = [*left_files.lines(transcript, _LONGEST_LINE)]
        kept = b"".join(row for row in rows if not row.startswith(_COSTS))
        write_atomically(FileSystem(), transcript, kept)
        said = [
            line
            for path in sorted(self._folder.rglob("*.jsonl"))
            for line in parsed(left_files.lines(path, _LONGEST_LINE))
        ]
        note_earlier(task.attempt, said)
        yield from ("--resume", transcript.stem)

"""A recorded session typed again, turn by turn, against another variant or model.

Its turns are attempts in one checkout and one session of the client. What is on the disk says
how far it is: one that was killed goes on, its turn under way is taken over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from meta_experiment.assign.uniform import sha256
from meta_experiment.errors import (
    DependencyError,
    NotFoundError,
    RefusedError,
    UsageError,
    cite,
)
from meta_experiment.files.confine import Content
from meta_experiment.files.interruption import held
from meta_experiment.files.lock import FileLock
from meta_experiment.git import Git
from meta_experiment.git.past_commits import PastCommits
from meta_experiment.records import dataclass
from meta_experiment.runs import supervising
from meta_experiment.runs.agents.agent import AgentOptions
from meta_experiment.runs.agents.claude_session import ClaudeSession
from meta_experiment.runs.attempts import Bench, attempt
from meta_experiment.runs.base import base_of
from meta_experiment.runs.budget import Budget, Caps
from meta_experiment.runs.checkouts import Arm, Slots
from meta_experiment.runs.crew import Crew
from meta_experiment.runs.fence import changed, fence, standing
from meta_experiment.runs.grading import run_command
from meta_experiment.runs.run_folder import RunFolder
from meta_experiment.services.find import find_in
from meta_experiment.services.kept_outside import REPLAYS, require_kept_outside
from meta_experiment.services.running.replay_folders import (
    end_replay,
    following,
    newest,
    rest,
    wake,
)
from meta_experiment.services.running.replay_view import ReplayOutcome, replay_of
from meta_experiment.services.workspace import Workspace
from meta_experiment.sources.sessions.session_turns import (
    SessionRecord,
    find_session,
    session_record,
)
from meta_experiment.transcripts.prices import load_prices
from meta_experiment.types.cases import Case, CommitSource
from meta_experiment.types.results.replay import Replay, ReplayEnd
from meta_experiment.types.runs import CellOutcome, Failure, FailureKind, RunCell

_AS_IT_IS = "as-it-is"  # the arm of a replay that brings no variant
_SLOT = 0
_DIGITS = 8
_PATIENCE = 0.5  # seconds

Tell = Callable[[int, CellOutcome], None]


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """Request for a replay: of which session, with what, at which commit, within which caps.

    `variant` is `ID:NAME`; `commit` takes the place of the one that the session stood at.
    """

    session: str
    options: AgentOptions
    variant: str | None = None
    commit: str | None = None
    caps: Caps = Caps()


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """Everything that is fixed before the first turn."""

    record: SessionRecord
    variant: str
    arms: Mapping[str, Mapping[str, Content | None]]
    prompts: tuple[str, ...]
    commit: str
    commit_by: CommitSource | None
    cases: Mapping[str, Case]
    key: str

    @property
    def arm(self) -> str:
        """The name of the arm."""
        return self.variant.partition(":")[2] or _AS_IT_IS

    @property
    def cells(self) -> list[RunCell]:
        """The runs of the turns, in order."""
        return [RunCell(name, 1, self.arm) for name in self.cases]


def plan_replay(workspace: Workspace, request: ReplayRequest, client: Path) -> ReplayPlan:
    """Find the session, what is to be typed, and where it stood. Nothing is written or spent.

    Raises:
        NotFoundError: there is no such session, experiment or variant. UsageError: the session
            or the variant is named by words that fit several, or none. RefusedError: nothing
            was typed in it, or no commit shows where it stood. DependencyError: git is missing.
    """
    path = find_session(client, request.session)
    prices = load_prices(str(workspace.root), {"CLAUDE_CONFIG_DIR": str(client)})
    record = session_record(path, prices)
    if record.begin is None or not record.turns:
        raise RefusedError(f"In the session {path.stem} no model was asked anything.")
    arms, prompts = _arms(workspace, request.variant)
    commit, commit_by = _commit(workspace, record, request.commit)
    told = [turn.prompt for turn in record.turns]
    texts = [
        [path, None if content is None else sha256(content.data).hexdigest()]
        for path, content in sorted(arms[next(iter(arms))].items())
    ]
    options = [request.options.model, request.options.effort, *request.options.tools]
    said = json.dumps([record.session, told, texts, options, commit, request.variant])
    mark = str(sha256(said.encode("utf-8", "replace")).hexdigest())[:_DIGITS]
    return ReplayPlan(
        record=record,
        variant=request.variant or "",
        arms=arms,
        prompts=prompts,
        commit=commit,
        commit_by=commit_by,
        cases={
            f"turn-{number}": Case(
                f"turn-{number}",
                text,
                str(sha256(text.encode("utf-8", "replace")).hexdigest()),
                commit=commit,
            )
            for number, text in enumerate(told, 1)
        },
        key=f"{path.stem[:_DIGITS]}-{mark}",
    )


def preview(planned: ReplayPlan, request: ReplayRequest) -> Replay:
    """Say what would be typed, and where."""
    count = len(planned.cases)
    return _told(
        planned, request, ReplayOutcome(), ReplayEnd.PREVIEW, f"{count} turns to replay."
    )


def replay(
    workspace: Workspace,
    planned: ReplayPlan,
    request: ReplayRequest,
    environment: Mapping[str, str],
    tell: Tell,
) -> Replay:
    """Type everything again, and show what came of it beside the record.

    Raises:
        DependencyError: git or the client is missing. LockedError: it is under way elsewhere.
        RefusedError: there is no working tree.
    """
    git, root = _git(workspace), require_kept_outside(workspace, REPLAYS) / planned.key
    workspace.files.make_directory(root)
    with FileLock(root / "lock", timeout=_PATIENCE, verb="runs replay"):
        return _Replaying(workspace, planned, request, environment, git, root).run(tell)


class _Replaying:
    """A replay under way, in the folder that says how far it is."""

    def __init__(
        self,
        workspace: Workspace,
        planned: ReplayPlan,
        request: ReplayRequest,
        environment: Mapping[str, str],
        git: Git,
        root: Path,
    ) -> None:
        self._workspace, self._planned, self._request = workspace, planned, request
        self._folder, self._again = _folder_of(workspace, root, planned)
        base = base_of(git, workspace.root, self._folder.folder / "base")
        self._slots = Slots(git, base, self._folder.slots, workspace.root.name)
        agent = ClaudeSession(
            request.options, environment, self._folder.slots / str(_SLOT) / "session"
        )
        agent.require()
        self._agent = agent
        around = fence(git, Path(workspace.machine.data), environment)
        self._reached = None if around.program else git
        self._bench = Bench(
            cases=planned.cases,
            arms=planned.arms,
            prompts=planned.prompts,
            folder=self._folder,
            checkouts=_OneCheckout(self._slots, begun=self._again),
            agent=agent,
            supervisor=supervising,
            command=run_command,
            clock=workspace.clock,
            fence=around,
        )
        self._budget = Budget(request.caps)
        for bill in self._folder.bills():
            self._budget.spend(bill)

    def run(self, tell: Tell) -> Replay:
        """Make the turns that are left, and say what came of all."""
        wake(self._folder)
        before = standing(self._reached) if self._reached else {}
        ended, reason = ReplayEnd.FAILED, "It was stopped."
        try:
            ended, reason = self._turns(tell)
            notes = [told for told in (self._noticed(before),) if told]
            return self._result(ended, reason, notes)
        finally:
            with held():
                if ended is ReplayEnd.CAPPED:
                    rest(self._folder)
                else:
                    self._finish()

    def _turns(self, tell: Tell) -> tuple[ReplayEnd, str]:
        began = self._workspace.clock()
        crew = Crew(partial(attempt, self._bench), 1)
        with closing(crew):
            for number, cell in enumerate(self._planned.cells, 1):
                if self._folder.outcome(cell) is not None:
                    continue
                refusal = self._budget.refusal(0, self._workspace.clock() - began)
                if refusal and self._folder.under_way(cell) is None:
                    return ReplayEnd.CAPPED, f"It stopped before turn {number}, as {refusal}."
                outcome = self._typed(crew, cell)
                self._budget.spend(outcome.bill)
                tell(number, outcome)
                if failure := _broke_off(outcome):
                    return ReplayEnd.FAILED, f"Turn {number} came to nothing: {failure.reason}."
        return ReplayEnd.DONE, f"All {len(self._planned.cases)} turns were replayed."

    def _typed(self, crew: Crew, cell: RunCell) -> CellOutcome:
        """Make a turn, or see it to its end; one that was cut off before it began is made."""
        outcome = _made(crew, cell)
        again = _broke_off(outcome) and not _was_typed(self._folder, cell)
        return _made(crew, cell) if again else outcome

    def _result(self, ended: ReplayEnd, reason: str, notes: list[str]) -> Replay:
        transcript = self._agent.transcript
        cells = self._planned.cells
        outcomes = [found for cell in cells if (found := self._folder.outcome(cell))]
        prices = load_prices("/", {})
        patches = [self._folder.cell(item.cell) / "patch" for item in outcomes]
        done = ReplayOutcome(
            outcomes=tuple(outcomes),
            turns=session_record(transcript, prices).turns if transcript else (),
            patch=next((str(path) for path in reversed(patches) if path.exists()), ""),
            notes=tuple(notes),
        )
        return _told(self._planned, self._request, done, ended, reason)

    def _noticed(self, before: Mapping[str, bytes]) -> str | None:
        return changed(before, standing(self._reached)) if self._reached else None

    def _finish(self) -> None:
        """Leave no checkout behind; what was answered and changed stays."""
        end_replay(self._folder)


class _OneCheckout:
    """The checkout of a session: prepared before its first turn, then as turns leave it."""

    def __init__(self, slots: Slots, *, begun: bool) -> None:
        self._slots, self._begun = slots, begun
        self.project, self.stands = slots.project, slots.stands
        self.changes, self.keep_work = slots.changes, slots.keep_work

    def prepare(self, number: int, arm: Arm, commit: str | None = None) -> Path:
        """Return the project as it stands, at first as the session found it."""
        if not self._begun:
            self._slots.prepare(number, arm, commit)
            self._begun = True
        return self._slots.project(number)


def _made(crew: Crew, cell: RunCell) -> CellOutcome:
    """Make a turn; the crew has nothing else to do."""
    crew.begin(cell, _SLOT)
    return next(item for item in crew.next() if isinstance(item, CellOutcome))


def _broke_off(outcome: CellOutcome) -> Failure | None:
    """Return the failure that was no turn's fault, after which nothing can go on."""
    failure = outcome.report.failure
    ours = (FailureKind.MACHINE, FailureKind.SETUP, FailureKind.OURS)
    return failure if failure is not None and failure.kind in ours else None


def _folder_of(workspace: Workspace, root: Path, planned: ReplayPlan) -> tuple[RunFolder, bool]:
    """Return the folder of the replay that goes on, or of a new one, and which it is."""
    folder = newest(root, workspace.files)
    if folder is None:
        return following(root, workspace.files), False
    begun = [cell for cell in planned.cells if folder.attempts(cell)]
    stands = (folder.slots / f"{_SLOT}.git").is_dir()
    goes_on = (
        folder.outcome(it) or folder.under_way(it) or not _was_typed(folder, it) for it in begun
    )
    if stands and begun and all(goes_on):
        return folder, True
    end_replay(folder)
    return following(root, workspace.files), False


def _was_typed(folder: RunFolder, cell: RunCell) -> bool:
    """Tell whether a client was ever started for a turn."""
    return any((path / "stdout").exists() for path in folder.attempts(cell))


def _told(
    planned: ReplayPlan,
    request: ReplayRequest,
    done: ReplayOutcome,
    ended: ReplayEnd,
    reason: str,
) -> Replay:
    begin = planned.record.begin
    return replace(
        replay_of(planned.record, done),
        variant=planned.variant,
        model=request.options.model or "",
        commit=planned.commit,
        commit_by=planned.commit_by,
        clean=None if begin is None else (False if begin.edited else begin.clean),
        ended=ended,
        reason=reason,
    )


def _arms(
    workspace: Workspace, variant: str | None
) -> tuple[Mapping[str, Mapping[str, Content | None]], tuple[str, ...]]:
    """Return the variant's files and, to be told from them, those of the others."""
    if variant is None:
        return {_AS_IT_IS: {}}, ()
    selector, _, name = variant.rpartition(":")
    if not selector or not name:
        raise UsageError(f"{cite(variant)}: expected ID:NAME, an experiment and its variant.")
    experiment = find_in(workspace.store, selector)
    names = [item.name for item in experiment.plan.variants]
    if name not in names:
        raise NotFoundError(
            f"{experiment.experiment_id} has no variant {cite(name)}.",
            hint=f"There are: {', '.join(names)}.",
        )
    others = [item for item in names if item != name]
    arms = {item: workspace.store.variant(experiment, item) for item in (name, *others)}
    return arms, tuple(experiment.plan.files)


def _commit(
    workspace: Workspace, record: SessionRecord, named: str | None
) -> tuple[str, CommitSource | None]:
    git = _git(workspace)
    if named is not None:
        asked = git.run(
            "rev-parse", "-q", "--verify", "--end-of-options", f"{named}^{{commit}}"
        )
        if asked.code:
            raise NotFoundError(f"There is no commit {cite(named)} in this repository.")
        return asked.output.decode().strip(), None
    begin = record.begin
    found = begin and PastCommits(git).find(begin.at, begin.branch, begin.folder, begin.commit)
    if not found:
        raise RefusedError(
            f"No commit shows where the project stood when the session {record.session} began.",
            hint="Say which: --commit COMMIT; of another project: --root DIR",
        )
    return found


def _git(workspace: Workspace) -> Git:
    if workspace.git is None:
        raise DependencyError(
            "git is not installed; a replay gets a checkout of its own by it.",
            hint="Make git available on PATH.",
        )
    return workspace.git

"""Turns of a session: one prompt each, and the work that it caused."""

from __future__ import annotations

from meta_experiment.transcripts.work import Work

OPEN, ANSWERED, FAILED, INTERRUPTED = "open", "answered", "failed", "interrupted"


class Turn:
    """Prompt and all that followed until the next.

    Attributes:
        prompt_id: the client's id, or one made here where an old client gave none.
        named: the commands, skills and agents it used, as the client calls them.
        lengths: how many characters each of them was called with, where that is written down.
        notified: the tool calls, or else the tasks, whose background work this turn reports.
        own: the work of the main conversation.
        agents: the work of agents, each apart.
        state: open, answered, failed or interrupted.
        local: answered by the client itself, without a model.
        worked: the seconds of a turn that a person asked for, as the client says where it has
            a screen: those in which it did not wait for a person.
        version: of the client.
    """

    __slots__ = (
        "agents",
        "lengths",
        "local",
        "made_up",
        "named",
        "notified",
        "own",
        "prompt_id",
        "state",
        "version",
        "worked",
    )

    def __init__(self, prompt_id: str, *, made_up: bool = False) -> None:
        self.prompt_id = prompt_id
        self.made_up = made_up
        self.named: list[str] = []
        self.lengths: dict[str, int] = {}
        self.notified: list[str] = []
        self.own = Work()
        self.agents: list[Work] = []
        self.state = OPEN
        self.local = False
        self.worked: float | None = None
        self.version = ""

    @property
    def works(self) -> list[Work]:
        """All work, the main conversation's first."""
        return [self.own, *self.agents]

    @property
    def sent(self) -> set[str]:
        """The calls of tools in it, and what the client calls tasks that they began."""
        return {sent for work in self.works for sent in (*work.calls, *work.tasks)}

    @property
    def answered_by_model(self) -> bool:
        """Whether any model said anything."""
        return any(work.messages for work in self.works)

    @property
    def waited(self) -> float:
        """The seconds in which the main conversation waited for a person.

        Calls that ask something tell it. Of questions for permission nothing is written down;
        they are in what the turn took beyond the client's own count of its work.
        """
        told = self.own.waited
        if self.worked is None or self.notified:
            return told  # the count of a report's turn begins with that of another
        return max(told, (self.own.ended or 0.0) - (self.own.started or 0.0) - self.worked)

    @property
    def came_to_nothing(self) -> bool:
        """Whether no model had a part in it: broken off before, or answered by the client."""
        return not self.answered_by_model and self.state != FAILED


class Transcript:
    """The turns of a session in order, and what the client said that it cost in all.

    `delivered` are tool calls whose background work has been reported to the model.
    """

    __slots__ = ("cost_state", "delivered", "turns")

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.cost_state: dict[str, object] | None = None
        self.delivered: set[str] = set()

    @property
    def at_work(self) -> bool:
        """Whether the last prompt has no answer yet, or work in the background no report."""
        launched = {
            call for turn in self.turns for work in turn.works for call in work.launched
        }
        unanswered = any(turn.state == OPEN for turn in self.turns[-1:])
        return unanswered or not launched <= self.delivered

"""An experiment on a command whose shares move, from its plan to its verification."""

import itertools

from tests.support.serving import COMMAND, HEAD

from meta_experiment.files.roots import Layout
from meta_experiment.protocol import index
from meta_experiment.services.acting import lifecycle
from meta_experiment.services.board.board import board
from meta_experiment.services.health.verifying import verify
from meta_experiment.services.planning import creating, request
from meta_experiment.services.workspace import Workspace


class MovingShares:
    """The experiment in a root, under a clock; `uses` numbers what is served or assigned.

    `texts` are those of the treatments by name, `wanted` what is asked of the plan.
    """

    def __init__(self, root, folder, clock, texts, wanted, *, manual=False, start=True):
        self.root, self.space = root, Workspace.open(Layout(root), clock)
        file = root / COMMAND
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HEAD.format(name="review") + "Review.\n")
        files = []
        for name, text in texts.items():
            source = folder / f"{name}.md"
            source.write_text(HEAD.format(name="review") + text)
            files.append(f"{name}:{COMMAND}={source}")
        asked = request.from_flags(
            {"seed": 7, "unit": "invocation"} | wanted, files, root, root
        )
        self.id = creating.create(self.space, asked, manual=manual).experiment_id
        if start:
            lifecycle.start(self.space, self.id, manual=manual)
        self.uses = itertools.count()

    @property
    def entry(self):
        (found,) = index.entries(str(self.root))
        return found

    def seen_at(self, now):
        """Return the row of the board at a time."""
        view = board(self.space.layout, lambda: now, lambda: self.space, None, archived=False)
        return view["experiments"][0]

    def draws(self):
        trials = self.space.store.trials(self.space.store.experiment(self.id)).trials
        return [item.draw for item in sorted(trials, key=lambda item: item.order)]

    def faults(self):
        return [item for item in verify(self.space).findings if not item.ok]

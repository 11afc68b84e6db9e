"""A fault anywhere in what puts and takes stand-ins is healed by the next command."""

import itertools
import shutil

import pytest
from tests.faults import Crash, FaultyFileSystem
from tests.support.serving import (
    SKILL,
    control,
    drafted,
    opened,
    treatment,
)

from meta_experiment.errors import MetaExperimentError
from meta_experiment.protocol import index
from meta_experiment.services.acting import lifecycle, promotion
from meta_experiment.services.health.recovery import finish_unless_busy
from meta_experiment.types import Status

STEPS = {
    "start": (lambda root: drafted(root, SKILL), lifecycle.start),
    "stop": (
        lambda root: lifecycle.start(opened(root), drafted(root, SKILL)).experiment,
        lambda space, made: promotion.stop(space, made, "x", dry_run=False),
    ),
    "promote": (
        lambda root: lifecycle.start(opened(root), drafted(root, SKILL)).experiment,
        lambda space, made: promotion.promote(
            space, made, promotion.ActionOptions(override="x"), dry_run=False
        ),
    ),
    "pause": (
        lambda root: lifecycle.start(opened(root), drafted(root, SKILL)).experiment,
        lifecycle.pause,
    ),
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("step", "mode"), [*((step, "crash") for step in STEPS), ("start", "eio")]
)
def test_a_fault_anywhere_is_healed_by_the_next_command(tmp_path, step, mode):
    """After it, the file is a stand-in exactly while the experiment runs here."""
    prepare, act = STEPS[step]
    template = tmp_path / "work"
    template.mkdir()
    made = prepare(template)
    made = getattr(made, "experiment_id", made)
    kept = tmp_path / "kept"
    template.rename(kept)
    texts = {Status.PROMOTED: treatment(SKILL)}

    operations = None
    for number in itertools.count(1):
        shutil.copytree(kept, template)
        files = FaultyFileSystem(number, mode)
        try:
            act(opened(template, files), made)
            operations = len(files.operations)
        except (Crash, MetaExperimentError):
            pass
        done = not files.fired
        finish_unless_busy(opened(template))
        (experiment,) = opened(template).store.experiments()
        found = (template / SKILL).read_bytes()
        runs = experiment.status is Status.RUNNING
        if runs and opened(template).checkout.started_here(experiment):
            assert b"serve-variant" in found, (number, files.operations[-1])
        else:
            wanted = texts.get(experiment.status, control(SKILL))
            assert found == wanted, (number, files.operations[-1])
        running = [entry.id for entry in index.entries(str(template)) if entry.running]
        assert running == ([made] if runs else [])
        shutil.rmtree(template)
        if done:
            break
    assert operations is not None
    assert operations > 10

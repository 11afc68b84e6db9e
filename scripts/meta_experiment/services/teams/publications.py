"""An experiment as it stands in a team's store, under the signature of who published it.

Nothing is taken from there, as plans come by git: it tells machines of different plans apart
before they ship. What no machine that counts signed, or no program of ours would write, is set
aside, and hinders nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from meta_experiment.errors import ConflictError, DriftError, RefusedError, as_word
from meta_experiment.files.confine import Content
from meta_experiment.model.plan_document import plan_sha256, plan_to_document
from meta_experiment.services.teams.leasing import LAST_POSITION
from meta_experiment.services.teams.membership import BelievedMachines, Membership
from meta_experiment.services.teams.signatures import is_signed
from meta_experiment.services.teams.statements import publication_statement
from meta_experiment.services.teams.trial_terms import terms_sha256
from meta_experiment.services.workspace import Workspace
from meta_experiment.store.exchange import Contents, PublishedExperiment
from meta_experiment.types import Experiment
from meta_experiment.types.results.team_store import NO_LONGER, NOT_ADMITTED

_NOT_JOINED = "it has not joined"


def published_of(member: Membership, experiment_id: str) -> PublishedExperiment | None:
    """Return what the store has under an id."""
    return next(iter(member.exchange.published(experiment_id)), None)


def publish(workspace: Workspace, member: Membership, experiment: Experiment) -> None:
    """Bring an experiment into the store, with the texts of its arms, under this signature.

    Another machine may have been first; what then stands is looked at by whoever exchanges.

    Raises:
        RemoteError: the store refused.
    """
    name = experiment.experiment_id
    used = workspace.store.used(experiment).positions
    published = _publication(member, experiment, used)
    try:
        member.exchange.publish(published, _contents(workspace, experiment))
    except ConflictError:
        if published_of(member, name) is None:
            raise


def require_own_plan(experiment: Experiment) -> None:
    """Refuse a plan that was edited. Raises DriftError."""
    name = experiment.experiment_id
    if plan_sha256(experiment.plan, experiment.versions) != experiment.plan_sha256:
        raise DriftError(
            f"The plan of {name} is not the one that its hash names, so nothing of it is "
            "shipped.",
            hint=f"Look what changed it: meta-experiment verify {name}",
        )


def why_aside(
    member: Membership,
    known: BelievedMachines,
    experiment: Experiment,
    found: PublishedExperiment,
) -> str:
    """Say why what stands in the store under an experiment's id is set aside; "" where not.

    The same plan that is here is none to be told of, where its machine only waits to be
    admitted, or counts no longer.

    Raises:
        RefusedError: a machine that counts published another plan.
    """
    name, same = experiment.experiment_id, found.plan_sha256 == terms_sha256(experiment)
    why = why_not_believed(member, known, experiment, found)
    if why:
        return "" if same and why in {NOT_ADMITTED, NO_LONGER, _NOT_JOINED} else why
    if not same:
        raise RefusedError(
            f"The store has another plan under the id {name}, published by machine "
            f"{as_word(found.machine)}, so nothing of it is exchanged.",
            hint="Take the plan of the team (git pull), or make an experiment of your own: "
            "meta-experiment create --help. A machine that should not count: meta-experiment "
            f"store admit {as_word(found.machine)} --remove",
        )
    return ""


def why_not_believed(
    member: Membership,
    known: BelievedMachines,
    experiment: Experiment,
    found: PublishedExperiment,
) -> str:
    """Say why nobody who counts vouches for a publication; "" where somebody does."""
    if not 0 <= found.beginning <= LAST_POSITION:
        return f"its sequence begins at {found.beginning:,}, where none of ours does"
    keys = {**known.keys, **known.deciders_of(experiment)}
    if found.machine not in keys:
        return known.not_admitted.get(found.machine, _NOT_JOINED)
    if not is_published(member, keys, found):
        return "its machine did not sign it as it stands"
    return ""


def is_published(
    member: Membership, keys: Mapping[str, bytes], found: PublishedExperiment
) -> bool:
    """Tell whether one of these machines signed a publication as it stands."""
    said = publication_statement(member.setting.project, found)
    key = keys.get(found.machine)
    return key is not None and is_signed(key, found.signature, said)


def has_texts(member: Membership, experiment: Experiment) -> bool:
    """Tell whether the store has the texts of an experiment's arms that its plan names."""
    texts = member.exchange.contents(experiment.experiment_id)
    there = {
        (path, arm, text and (text.sha256, text.mode))
        for path, arms in texts.items()
        for arm, text in arms.items()
    }
    return there == {
        (path, arm, text and (text.sha256, text.mode))
        for path, arms in experiment.versions.items()
        for arm, text in arms.items()
    }


def _publication(
    member: Membership, experiment: Experiment, beginning: int
) -> PublishedExperiment:
    document = {
        "id": experiment.experiment_id,
        "plan": plan_to_document(experiment.plan),
        "plan_sha256": experiment.plan_sha256,
        "versions": {
            path: {arm: item and [item.sha256, item.mode] for arm, item in arms.items()}
            for path, arms in experiment.versions.items()
        },
    }
    text = json.dumps(document, sort_keys=True, ensure_ascii=False).encode()
    name, machine = experiment.experiment_id, member.signer.machine
    terms = terms_sha256(experiment)
    unsigned = PublishedExperiment(name, terms, text, machine, b"", beginning)
    said = publication_statement(member.exchange.project, unsigned)
    return unsigned._replace(signature=member.signer.sign(said))


def _contents(workspace: Workspace, experiment: Experiment) -> Contents:
    found: dict[str, dict[str, Content | None]] = {path: {} for path in experiment.versions}
    for arm in experiment.plan.variants:
        for path, content in workspace.store.variant(experiment, arm.name).items():
            found[path][arm.name] = content
    return found

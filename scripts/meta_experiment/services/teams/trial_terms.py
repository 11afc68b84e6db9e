"""What trials of an experiment mean: the plan as far as nothing may change it after data."""

from __future__ import annotations

import json

from meta_experiment.assign.uniform import sha256
from meta_experiment.model.plan_document import plan_to_document
from meta_experiment.model.plan_settings import PLAN_SETTINGS
from meta_experiment.types import Experiment


def terms_sha256(experiment: Experiment) -> str:
    """Hash what machines have to agree on before they exchange trials of an experiment.

    That is the plan with the bytes and modes of every arm, without what an amendment may change
    after data: such as the longest duration, which one machine knows of before another.
    """
    document = plan_to_document(experiment.plan)
    for setting in PLAN_SETTINGS.values():
        if setting.after_data:
            setting.put(document, None)
    document["versions"] = {
        path: {name: item and [item.sha256, item.mode] for name, item in sorted(arms.items())}
        for path, arms in sorted(experiment.versions.items())
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return str(sha256(canonical.encode()).hexdigest())

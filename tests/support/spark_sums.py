"""Collect by Spark, in an environment that has it: FOLDER holds request.json and the rows.

Run with the Python of requirements-engines.lock; prints what `collected_document` writes.
"""

import json
import sys
from pathlib import Path

from meta_experiment.model.collected_document import (
    CollectedState,
    state_to_document,
)
from meta_experiment.model.mapping_document import mapping_from_document
from meta_experiment.model.plan_document import plan_from_document
from meta_experiment.sources.warehouse.collecting import Period, collect
from meta_experiment.sources.warehouse.engines import opened
from meta_experiment.sources.warehouse.sought import sought


def main(folder):
    """Print what each request comes to."""
    found = []
    with opened("spark://local") as engine:
        for request in json.loads((folder / "request.json").read_text()):
            plan = plan_from_document(request["plan"])
            mapping = mapping_from_document(request["mapping"], str(folder))
            arms = [item.name for item in plan.variants]
            sums, _ = collect(
                engine, mapping, arms, sought(plan, mapping), Period(request["as_of"])
            )
            found.append(state_to_document(CollectedState(sums, ())))
    (folder / "sums.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Files of cases, written for a test."""

import json

import pytest

from meta_experiment.runs.cases.forms import read_cases


@pytest.fixture
def written(tmp_path):
    """Write cases to a file and read them."""

    def write(*documents, name="cases.jsonl"):
        lines = [item if isinstance(item, str) else json.dumps(item) for item in documents]
        (tmp_path / name).write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
        return read_cases(tmp_path / name)

    return write

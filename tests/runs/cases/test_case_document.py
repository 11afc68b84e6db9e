"""Cases written down, and read again."""

import json

from meta_experiment.runs.cases.case_document import case_document

ORIGIN = {
    "session": "s-1",
    "time": "2026-11-21T14:16:58.000Z",
    "commit_by": "reflog",
    "clean": None,
    "first": True,
}


def test_a_case_is_read_as_it_was_written(written):
    whole = {
        "id": "a",
        "prompt": "Say\n'ä'.",
        "criteria": [
            {"type": "file_exists", "target": "x", "exists": False, "name": "no x"},
            {"type": "diff", "target": "", "max_files": 0, "weight": 3},
            {"type": "json_schema", "target": {"type": "object"}},
        ],
        "files": ["src/**"],
        "needs": ["db"],
        "commit": "v1.4",
        "timeout_seconds": 60,
        "tags": ["x"],
        "origin": ORIGIN,
    }
    first, second = written(whole, {"id": "b", "prompt": "x"})
    documents = [case_document(item) for item in (first, second)]
    assert written(*map(json.dumps, documents), name="again.jsonl") == (first, second)
    assert documents[1] == {"id": "b", "prompt": "x"}
    assert documents[0]["origin"] == ORIGIN

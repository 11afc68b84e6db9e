"""JUnit XML, as test runners write it: a file is one arm, a test a case.

Read by events, so that a document of a million tests needs no tree; one that declares a
document type, by which entities come, is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

from meta_experiment.errors import UsageError
from meta_experiment.sources.results.benchmark import Origin, instant
from meta_experiment.sources.results.harness_runs import HarnessRuns
from meta_experiment.sources.results.imported import ImportedTrials
from meta_experiment.sources.results.merging import UNNAMED_ARM
from meta_experiment.types import TrialStatus

KIND = "junit"
_DEEPEST = 60
_ROOTS = ("testsuites", "testsuite")
_ENDS = ("failure", "error", "skipped")


class _TestReader:
    """The events of a document: tests, and how they ended."""

    def __init__(self, found: HarnessRuns, name: str) -> None:
        self.found, self.name = found, name
        self.title: str | None = None
        self.at: float | None = None
        self._depth = 0
        self._test: Mapping[str, str] | None = None
        self._ended = ""

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the beginning of an element."""
        if self._depth == 0 and tag not in _ROOTS:
            raise UsageError(f"{self.name} is XML, and no JUnit: it begins with <{tag[:40]}>.")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UsageError(f"{self.name} is nested deeper than {_DEEPEST} levels.")
        if tag in _ROOTS:
            self.title = self.title or attributes.get("name")
            self.at = self.at or instant(attributes.get("timestamp"))
        elif tag == "testcase":
            self._test, self._ended = attributes, ""
        elif self._test is not None and tag in _ENDS:
            self._ended = self._ended or tag

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        self._depth -= 1
        if tag != "testcase" or self._test is None:
            return
        test, self._test = self._test, None
        case = ".".join(filter(None, (test.get("classname"), test.get("name")))) or "test"
        if self._ended == "skipped":
            self.found.ledger.exclude("skipped")
            return
        if self._ended == "error":
            self.found.ledger.note(
                "An error of a test counts as its failure: whose fault it was is not told."
            )
        self.found.add(
            UNNAMED_ARM,
            case,
            {"success": not self._ended, "duration_seconds": test.get("time")},
            status=TrialStatus.ERROR if self._ended == "error" else TrialStatus.OK,
        )


def parse(origin: Origin, data: bytes) -> ImportedTrials:
    """Read every test.

    Raises:
        UsageError: it is no JUnit, no XML, or declares a document type. RefusedError: no test
            counts.
    """
    reader = _TestReader(HarnessRuns(KIND, origin, {}), origin.name)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.StartDoctypeDeclHandler = lambda *_: _refuse_entities(origin.name)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UsageError(f"{origin.name} is not valid XML: {error}.") from error
    return reader.found.imported(reader.title, reader.at)


def _refuse_entities(name: str) -> None:
    raise UsageError(
        f"{name} declares a document type; expected plain JUnit, which needs none.",
        hint="Take the <!DOCTYPE …> out.",
    )

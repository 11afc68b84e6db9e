"""A document of another tool's form, as the JSON that it is."""

from __future__ import annotations

import json

from meta_experiment.model.result_document import to_document
from meta_experiment.render.blocks import Page, Paragraph
from meta_experiment.types.results.source_result import SourceAnswer


def document(written: SourceAnswer) -> Page:
    """Show the document, indented."""
    text = json.dumps(to_document(written), indent=2, ensure_ascii=False)
    return ((Paragraph(tuple(text.splitlines())),),)

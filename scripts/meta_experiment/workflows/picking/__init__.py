"""Picking the variants of a run in gh-aw's place: drawn, kept in the ledger, told to the run.

A run waits for it, so that the usual way loads little: of the standard library what it uses
(no dataclasses, typing, pathlib), and the reader of YAML only where a workflow is not compiled.
"""

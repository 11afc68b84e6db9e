"""Importing: results that were measured elsewhere, as trials of an experiment."""

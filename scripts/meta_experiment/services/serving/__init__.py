"""Serving: what stands on disk while an experiment runs, planned, placed, checked, removed."""

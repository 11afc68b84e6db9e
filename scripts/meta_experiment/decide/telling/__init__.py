"""Sentences about an analysis and a plan."""

"""Telling people: which events stand, whom this machine tells, and what became of it."""

"""Verbs, a module each, which defines `command`."""

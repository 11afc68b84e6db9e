"""Formats the hot path shares with the rest: places, seals, lines; standard library alone."""

"""Offline runs of an experiment: its variants on cases, looked at after every block."""

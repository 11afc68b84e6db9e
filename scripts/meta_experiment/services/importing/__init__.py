"""Results that were measured elsewhere, as trials of an experiment."""

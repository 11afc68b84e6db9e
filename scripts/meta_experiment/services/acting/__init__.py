"""Acting on evidence or on demand: start, pause, promote, roll back, stop, archive, auto."""

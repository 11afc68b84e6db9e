"""From evidence to an action: start, pause, promote, roll back, stop, archive."""

"""Which variant a unit gets, and what happened to it, on the record."""

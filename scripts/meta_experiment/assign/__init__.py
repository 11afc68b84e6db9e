"""Which variant a new unit gets: pure functions of seed, weights and position or key."""

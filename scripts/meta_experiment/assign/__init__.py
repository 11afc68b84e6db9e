"""Assignment of a variant to a new unit: pure functions of seed, weights, position or key."""

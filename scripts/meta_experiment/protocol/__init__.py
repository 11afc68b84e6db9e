"""What the hot path and the rest agree on: places, formats, seals; standard library alone."""

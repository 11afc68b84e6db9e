"""Results of other people's runs: bytes and documents in, runs out."""

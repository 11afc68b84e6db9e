"""What codes, kinds, metrics, variables and verbs mean, in sentences; only help loads it."""

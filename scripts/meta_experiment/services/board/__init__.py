"""The board: rows of all experiments, the newest trials, alerts, the notice of a session."""

"""The client's own transcripts: what each use of a prompt file came to."""

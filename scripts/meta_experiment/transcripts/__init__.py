"""The transcripts of Claude Code, measured: turns, work, prices; standard library alone."""

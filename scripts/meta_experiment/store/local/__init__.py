"""The state of one root as files below `.claude/meta`."""

"""Use cases of experiments that agentic workflows run."""

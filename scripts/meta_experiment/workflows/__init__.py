"""Agentic workflows of GitHub: their experiments, the state of these, and what runs came to."""

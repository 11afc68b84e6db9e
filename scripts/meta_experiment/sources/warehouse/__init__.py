"""Data where they lie: what an engine computes of them through Ibis, asked for as sums."""

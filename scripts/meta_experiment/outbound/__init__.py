"""The one room that speaks to a network: nothing else opens a connection."""

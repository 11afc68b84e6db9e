"""Pages of one file: no script, nothing from a network, readable by everyone and on paper."""

"""Reading logs fast: events folded into trials, whatever their order."""

"""Lines of a log folded into trials, whatever their order and whatever keeps them."""

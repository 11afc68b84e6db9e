"""The way of every prompt: serving, observing, closing, with the standard library alone."""

"""Reading the logs of a root fast, and only what is new of them."""

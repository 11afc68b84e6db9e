"""What an experiment came to, in numbers that can be drawn; bounded, however much there is."""

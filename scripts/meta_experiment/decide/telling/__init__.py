"""What is said of an analysis and of a plan, in sentences."""

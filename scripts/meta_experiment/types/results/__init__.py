"""What the use cases answer, a module for each; its fields are those of the JSON."""

"""What stands on disk while an experiment serves: planned, put in place, checked, removed."""

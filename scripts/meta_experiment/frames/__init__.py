"""What an analyst loads: the tables of an experiment, for whichever library is there."""

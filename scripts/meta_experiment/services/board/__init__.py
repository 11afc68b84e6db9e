"""What people look at: the board, the newest trials, alerts, what is told at a start."""

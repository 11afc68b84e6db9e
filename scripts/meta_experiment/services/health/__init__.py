"""Health: checks of installation, serving and stored bytes, repair, recovery, panic."""

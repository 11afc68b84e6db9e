"""From a wish to a plan: what a prompt file did before, what a plan can find, the draft."""

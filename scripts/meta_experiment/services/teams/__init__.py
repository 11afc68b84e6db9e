"""Teams: what this machine tells the others through their store, and takes from them."""

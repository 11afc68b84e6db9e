"""The store of experiments: its ports, the backends behind them, and what they exchange."""

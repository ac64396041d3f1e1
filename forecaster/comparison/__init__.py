"""Which architecture is better, where, and what the difference is worth in data."""

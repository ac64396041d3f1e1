"""Domain cards: prior knowledge of a field, with sources."""

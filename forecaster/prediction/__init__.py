"""Questions about one curve: its error at a size, the data it needs."""

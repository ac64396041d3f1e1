"""Learning curves: values, and how they are read."""

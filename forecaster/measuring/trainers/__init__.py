"""Trainers: command lines, scikit-learn estimators, and the shards of data that they learn from."""

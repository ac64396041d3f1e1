"""Errors on different data, as a ladder: what lies between people and the test set."""

"""The memo on a surface: which model to train on how much data."""

"""Figures over two axes, size of model and of data."""

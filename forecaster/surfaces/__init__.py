"""Losses over two axes: the number of parameters of a model and the amount of its data."""

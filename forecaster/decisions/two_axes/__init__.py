"""Decisions over two axes: which model to train on how much data, and which runs to make before."""

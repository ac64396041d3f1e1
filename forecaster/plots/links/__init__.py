"""Figures of links between a loss and the error rates of tasks."""

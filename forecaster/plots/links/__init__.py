"""Figures of what a loss tells of tasks."""

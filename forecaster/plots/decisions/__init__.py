"""Figures of decisions: options, candidates, what is kept."""

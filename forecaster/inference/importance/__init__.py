"""Adaptive importance sampling: proposals, tempering, weights, and draws of a few parameters."""

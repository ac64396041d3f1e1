"""Forecasts over time: comparison with new measurements."""

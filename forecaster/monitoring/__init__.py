"""Forecasts over time: what new measurements say of them."""

"""What to do with a forecast: what to measure, keep, drop and buy."""

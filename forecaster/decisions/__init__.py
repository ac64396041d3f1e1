"""What to decide, given forecasts: costs, choices, test sets."""

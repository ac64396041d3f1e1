"""How well forecasts did: hide the largest sizes, forecast them, score."""

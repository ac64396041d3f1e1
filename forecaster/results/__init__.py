"""What every answer is: a table, prose, checks, JSON."""

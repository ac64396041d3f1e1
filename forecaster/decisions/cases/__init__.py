"""Test cases: how many a question takes, what they are worth, and what a forecast stands for in them."""

"""Decisions: what data, training and test cases cost, what an error costs, and what to buy."""

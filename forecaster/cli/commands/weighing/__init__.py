"""Verbs on decisions: what to buy, where to measure, which architectures to drop, what keeps an error up, test sets."""

"""The verbs that weigh: what to buy, where to measure, whom to drop, what keeps an error up and how to test it."""

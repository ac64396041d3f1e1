"""What to do with a forecast: what to buy, keep and drop, and how large a test set has to be."""

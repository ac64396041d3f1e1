"""How much to order: for a risk, at best, or in several orders."""

"""What is known of a field before any data: cards with sources."""

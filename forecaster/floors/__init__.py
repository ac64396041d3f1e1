"""What the floor is made of."""

"""What data, training, running and test cases cost, and the file that says so."""

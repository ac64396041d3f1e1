"""Reading: from a file or a data frame to a validated table of learning curves."""

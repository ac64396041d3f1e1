"""What a run takes as the data grows: model size, compute, hours; and dates."""

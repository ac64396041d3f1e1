"""Private machinery: files written whole, a hash of code, worker processes."""

"""The first page of a memo: the answer with its price, the options, and three lines on why, how far, and what if."""

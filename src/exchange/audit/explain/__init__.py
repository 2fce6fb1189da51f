"""The story of an order, from the log alone."""

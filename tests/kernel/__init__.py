"""Numbers at the edge."""

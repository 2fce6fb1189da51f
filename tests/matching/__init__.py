"""Order books as tables, and against a naive matcher."""

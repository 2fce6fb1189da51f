"""The whole venue against a second set of books."""

"""The documentation: true to the code."""

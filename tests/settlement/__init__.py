"""Fees, to the last unit."""

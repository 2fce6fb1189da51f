"""Proving and telling what the log says: verify, as-of, explain, re-execute, copy."""

"""Proving what the log says: verification today; as-of, explain and reconcile later."""

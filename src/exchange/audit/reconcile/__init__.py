"""Log, fold and read models compared at one position."""

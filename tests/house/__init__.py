"""The rules of the code base itself, each shown to bite."""

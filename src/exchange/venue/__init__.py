"""The single writer: contexts composed into one decision, one batch, one append."""

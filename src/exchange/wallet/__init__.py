"""Who owns what: one double-entry ledger (stream ``ledger``)."""

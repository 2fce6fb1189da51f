"""The ledger's laws."""

"""Trades become journal entries: spot, with fees (stream ``settlement:<symbol>``)."""

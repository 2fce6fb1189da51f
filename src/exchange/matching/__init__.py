"""Order books: price-time priority, one aggregate a symbol (stream ``book:<symbol>``)."""

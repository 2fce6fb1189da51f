"""Order-book stories as text: read, played on a venue without a store, and checked."""

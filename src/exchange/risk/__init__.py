"""What may be risked: checks before an order trades. Positions, margin and bands come later."""

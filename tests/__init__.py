"""What the venue promises, said as tests."""

"""Other processes beside a running one: some kept alive, some run from time to time."""

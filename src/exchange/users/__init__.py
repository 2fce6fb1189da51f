"""Who may trade: users and their accounts (stream ``user:<id>``)."""

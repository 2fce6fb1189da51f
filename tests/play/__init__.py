"""Order-book stories that the venue must tell, and what becomes of scripts that are wrong."""

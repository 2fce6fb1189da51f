"""The nouns that two or more contexts speak. No I/O, no clock, no chance."""

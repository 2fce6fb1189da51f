"""Whether the tests notice: faults put into a copy of the code on purpose."""

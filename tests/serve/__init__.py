"""A venue with everything that runs beside it: real processes, real files."""

"""The command line: ``exchange``."""

from exchange.cli.main import main

__all__ = ["main"]

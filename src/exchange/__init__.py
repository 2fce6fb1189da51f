"""An event-sourced trading venue in one process: one log is the truth, all else follows from it."""

__version__ = "0.1.0"

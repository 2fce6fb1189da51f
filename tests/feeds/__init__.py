"""Recorded order flow: the converter, the file form, the runner."""

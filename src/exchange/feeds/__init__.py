"""Recorded order flow from outside, turned into commands for the venue."""

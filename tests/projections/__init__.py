"""Tests of the read models: their follower, what they hold, what they answer."""

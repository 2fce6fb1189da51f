"""The measurements, in small."""

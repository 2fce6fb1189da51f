"""The measurements behind ``exchange bench``: plain results as dicts, nothing printed."""

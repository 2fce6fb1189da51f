"""What is stored stays as it was stored, and whatever was answered is stored."""

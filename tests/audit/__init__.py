"""Is every broken law found, and nothing else?"""

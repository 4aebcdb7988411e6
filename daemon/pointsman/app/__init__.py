"""The daemon put together: what starts in which order, and how it ends."""

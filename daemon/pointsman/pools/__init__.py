"""Which pool gets a lead, and whose turn it is."""

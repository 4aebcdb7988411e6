"""What is sent to a recipient, and what its answer means. Pure: nothing here opens a connection."""

"""From a posted lead to its outcome."""

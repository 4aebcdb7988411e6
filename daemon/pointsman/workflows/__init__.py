"""Events to runs to actions."""

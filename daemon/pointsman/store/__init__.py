"""All access to Redis: one Lua script a command, one typed method beside it."""

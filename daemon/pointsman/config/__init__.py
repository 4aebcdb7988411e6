"""Files of people to rules of machines: read, check, compile, publish, watch."""

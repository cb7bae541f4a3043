"""What the author of a procedure or calendar writes, as frozen models."""

"""Schema versions, in order; the newest is applied at start."""

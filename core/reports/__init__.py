"""Reports: SQL files over a dated snapshot, and the specifications of charts drawn from their rows."""

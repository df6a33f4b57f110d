"""Which popup a user is shown: decided in memory, claimed in Redis."""

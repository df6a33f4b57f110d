"""What users were shown and did, on its way from Redis into the tables."""

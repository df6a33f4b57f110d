"""Replicas of the database: which reads they may answer, and when."""

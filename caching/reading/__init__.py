"""Batches of questions, answered by entries or by the database."""

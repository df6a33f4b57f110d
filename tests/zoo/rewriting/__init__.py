"""Migrations of the zoo that a test applies: its tables exist, and rows are changed by historical models."""

"""A Django application for benchmarks only: what the project is measured against, and programs that act inside it.

It alone under loadtest/ may import the rooms, and nothing but `loadtest.baselines.settings` installs it.
"""

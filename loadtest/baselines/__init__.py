"""A Django application for the benchmark only: the baselines that the project is compared with, and commands.

Only this package of loadtest imports the project's applications, and only `loadtest.baselines.settings` installs it.
"""

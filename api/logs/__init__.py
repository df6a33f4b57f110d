"""What log lines are made of: the fields of the request, formats, limits of rate, and the removal of what was sent."""

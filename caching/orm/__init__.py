"""Models, managers and QuerySets that keep entries right."""

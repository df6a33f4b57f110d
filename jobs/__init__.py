"""What runs beside the web: polling jobs, deletion in chunks."""

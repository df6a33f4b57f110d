"""Work that runs beside the web processes: deletion in chunks and the commands that poll for it."""

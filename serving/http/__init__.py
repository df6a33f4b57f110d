"""HTTP/1 under uvicorn."""

"""`make report`: what the benchmark and the locust scenarios measure, in one HTML page. See loadtest/README.md."""

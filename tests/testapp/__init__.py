"""A small Django application that uses every feature of the cache framework and of counters."""

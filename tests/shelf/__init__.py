"""A small application that exercises every corner of the cache framework."""

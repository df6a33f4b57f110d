"""Django's MySQL backend with fewer round trips: to a database 1 ms away, each costs a request that millisecond."""

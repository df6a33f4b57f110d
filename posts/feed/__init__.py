"""The home feed: the posts of the users whom the caller follows, merged from their lists when it is read."""

"""A Django project of its own whose models are such as other people write; the cache framework serves all of them."""

"""Settings for the plugin of django-stubs, which connects to no server."""

SECRET_KEY = "tests-only"
INSTALLED_APPS = ["django.contrib.contenttypes", "caching", "warehouse"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CACHING = {"ENABLED": False}

"""What a project does with its users, cached or not."""

from django.contrib.auth import authenticate, get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from caching.api import redis_client

User = get_user_model()
ann = User.objects.create_user("ann", "ann@example.com", "s3cret")
User.objects.get_one(username="ann"), User.objects.get_one(ann.pk)
with CaptureQueriesContext(connection) as queries:
    assert User.objects.get_one(username="ann") == User.objects.get_one(ann.pk) == ann
assert len(queries) == 0, queries.captured_queries
assert authenticate(username="ann", password="s3cret") == ann
assert Client().login(username="ann", password="s3cret")
User.objects.filter(pk=ann.pk).update(first_name="Ann")
assert User.objects.get_one(ann.pk).first_name == "Ann"
assert User.objects.create_superuser("root", password="x").is_superuser
hashed = User.objects.get(pk=ann.pk).password.encode()
assert not [key for key in redis_client().scan_iter() if hashed in (redis_client().get(key) or b"")]
print("users are cached")

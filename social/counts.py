"""The counters of the social graph; imported when Django's models are loaded."""

from counters.api import CounterSet, CountOf
from social.models import Follow

CounterSet("user", followers=CountOf(Follow, "followee"), following=CountOf(Follow, "follower"))

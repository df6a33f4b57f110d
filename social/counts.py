"""What is counted of the graph; imported once Django's models are there."""

from counters.api import CounterSet, CountOf
from social.models import Follow

CounterSet("user", followers=CountOf(Follow, "followee"), following=CountOf(Follow, "follower"))

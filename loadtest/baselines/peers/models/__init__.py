"""The tables that a session needs, as plain models; the migrations of the project make them."""

from loadtest.baselines.peers.models.offers import Event, Item, Popup, Score, UserPopup
from loadtest.baselines.peers.models.people import Block, Counter, Follow, User, UserState
from loadtest.baselines.peers.models.posts import SHOWN, Comment, Favorite, Like, Mark, Post

__all__ = [
    "SHOWN", "Block", "Comment", "Counter", "Event", "Favorite", "Follow", "Item", "Like", "Mark", "Popup", "Post",
    "Score", "User", "UserPopup", "UserState",
]  # fmt: skip

"""What the database says at the end: `python -m tests.faults.truth`, in the environment of the installation.

Prints JSON: the values of registers by their keys, the events of popups, the texts of posts, the drifts of counters,
and the pairs of users with both a follow and a block.
"""

import json
from typing import Any

import django


def registers() -> dict[str, Any]:
    """Return the values of all registers that have a row; a missing one is false, or null."""
    from posts.models import Favorite, Like, Post
    from ratings.models import Score
    from social.models import Follow
    from users.models import User

    found: dict[str, Any] = {f"nickname:{user.pk}": user.nickname for user in User.objects.all()}
    found |= {f"liked:{user}:{post}": True for user, post in Like.objects.values_list("user_id", "post_id")}
    found |= {f"favorited:{user}:{post}": True for user, post in Favorite.objects.values_list("user_id", "post_id")}
    found |= {f"follows:{one}:{two}": True for one, two in Follow.objects.values_list("follower_id", "followee_id")}
    found |= {
        f"score:{user}:{item}": score for user, item, score in Score.objects.values_list("user_id", "item_id", "score")
    }
    return found | {f"posted:{text}": True for text in Post.objects.values_list("text", flat=True)}


def follows_despite_blocks() -> list[tuple[int, int]]:
    from social.models import Block, Follow

    blocks = set(Block.objects.values_list("blocker_id", "blocked_id"))
    follows = Follow.objects.values_list("follower_id", "followee_id")
    return [(one, two) for one, two in follows if {(one, two), (two, one)} & blocks]


def tell() -> dict[str, Any]:
    from counters import reconcile, registry
    from popups.models import Event
    from posts.models import Post

    drifts = [
        str(drift) for kind in registry.kinds() for chunk in reconcile.run(kind, mend=False) for drift in chunk.drifts
    ]
    return {
        "registers": registers(),
        "events": list(Event.objects.values_list("type", "user_id", "popup_id", "claim")),
        "texts": list(Post.objects.values_list("text", flat=True)),
        "drifts": drifts,
        "follows despite blocks": follows_despite_blocks(),
    }


if __name__ == "__main__":
    django.setup()
    print(json.dumps(tell()))

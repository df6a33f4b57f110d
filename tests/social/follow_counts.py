"""The follower counters of users, as an application reads them."""

from counters.reads import counts_of


def follow_counts(*people) -> list[tuple[int, int]]:
    """Return (followers, following) of each user."""
    counts = counts_of("user", [person.pk for person in people])
    return [(counts[person.pk]["followers"], counts[person.pk]["following"]) for person in people]

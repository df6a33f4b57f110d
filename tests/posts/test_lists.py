"""Behaviour 32 for comments, likers and favourites: pages while rows are added, and pages that a block empties."""

import pytest

from api.keysets import PAGE
from posts import services

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = ["posts/{post}/comments", "posts/{post}/likers", "favorites"]


@pytest.fixture
def add(bob, post, write):
    """by(person): add a row to each list; return {list: the id that it will show}."""

    def by(person):
        kept = write(person)
        services.add_favorite(user_id=bob.pk, post_id=kept.pk)
        services.like(user_id=person.pk, post_id=post.pk)
        comment = services.comment(post_id=post.pk, author_id=person.pk, text="Hi")
        return dict(zip(LISTS, (comment.pk, person.pk, kept.pk), strict=True))

    return by


@pytest.mark.parametrize("template", LISTS)
def test_what_is_added_meanwhile_is_neither_skipped_nor_repeated(api, bob, post, add, new_user, template):
    added = [add(new_user(f"crowd_{number}"))[template] for number in range(PAGE + 5)][::-1]
    first = api.get(template.format(post=post.pk), by=bob).json
    newest = add(new_user("latecomer"))[template]
    second = api.get(first["next"], by=bob).json
    shown = [[each["id"] for each in page["results"]] for page in (first, second)]
    assert (shown, second["next"]) == ([added[:PAGE], added[PAGE:]], None)
    back = api.get(second["previous"], by=bob).json
    assert [each["id"] for each in back["results"]] == added[:PAGE]
    ahead = api.get(back["previous"], by=bob).json
    assert [each["id"] for each in ahead["results"]] == [newest]


@pytest.mark.parametrize("template", LISTS)
def test_a_page_emptied_by_blocks_still_carries_its_cursor(api, bob, post, add, new_user, block, template):
    oldest = add(new_user("oldest"))[template]
    for number in range(PAGE):
        person = new_user(f"crowd_{number}")
        add(person)
        block(*((bob, person) if number % 2 else (person, bob)))
    first = api.get(template.format(post=post.pk), by=bob).json
    assert first["results"] == []
    assert [each["id"] for each in api.get(first["next"], by=bob).json["results"]] == [oldest]

"""Calls by the generated Python client, which mypy checks too: calls.py http://127.0.0.1:8000 <prefix of usernames>.

Prints "<n> calls" at its end. Usernames begin with the prefix, so that several runs may use one server.
"""

import datetime
import sys
from typing import Any, TypeVar

from hotpath_client import AuthenticatedClient, Client
from hotpath_client.api.auth import auth_logout_create, auth_token_create, auth_token_refresh_create
from hotpath_client.api.counters import counters_list
from hotpath_client.api.popups import popups_next_retrieve
from hotpath_client.api.posts import (
    comments_destroy,
    posts_comments_create,
    posts_comments_retrieve,
    posts_create,
    posts_like_update,
    posts_retrieve,
)
from hotpath_client.api.ratings import ratings_create, ratings_score_update
from hotpath_client.api.social import relationships_list, users_follow_update, users_profiles_list
from hotpath_client.api.users import (
    users_create,
    users_me_destroy,
    users_me_partial_update,
    users_me_retrieve,
    users_me_state_partial_update,
    users_retrieve,
    users_search_retrieve,
)
from hotpath_client.models import (
    BadInput,
    Comment,
    CommentInputRequest,
    CommentPage,
    CountersFound,
    DeletionInputRequest,
    Item,
    ItemInputRequest,
    LoginInputRequest,
    Marks,
    NextPopup,
    OwnUser,
    PatchedProfileInputRequest,
    PatchedStateInputRequest,
    Post,
    PostInputRequest,
    Problem,
    ProfilesFound,
    RefreshInputRequest,
    RegistrationInputRequest,
    Relationship,
    Relationships,
    ScoreInputRequest,
    State,
    Tokens,
    UserPage,
)
from hotpath_client.models.error_code import ErrorCode
from hotpath_client.types import Response

T = TypeVar("T")
PASSWORD = "correct-horse-battery"
LARGEST_ID = 2**63 - 1
calls = 0


def body(kind: type[T], response: Response[Any], status: int = 200) -> T:
    """Return the body of an answer; fail if its status or its type is another."""
    global calls
    calls += 1
    assert response.status_code == status, response
    assert isinstance(response.parsed, kind), response
    return response.parsed


def problem(response: Response[Any], status: int, code: ErrorCode) -> Problem | BadInput:
    """Return the problem of an answer; fail if its status or its code is another."""
    found = body(BadInput, response, status) if status == 400 else body(Problem, response, status)
    assert (found.code, found.status) == (code, status), found
    assert response.headers["X-Request-ID"]
    return found


def empty(response: Response[Any], status: int) -> None:
    """Fail if the answer has a body or another status."""
    global calls
    calls += 1
    assert (response.status_code, response.content) == (status, b""), response


def register(anybody: Client, username: str) -> OwnUser:
    """Create an account."""
    account = RegistrationInputRequest(username=username, password=PASSWORD, nickname="Ann 小明")
    return body(OwnUser, users_create.sync_detailed(client=anybody, body=account), 201)


def log_in(anybody: Client, username: str) -> Tokens:
    """Return the tokens of a new login."""
    name_and_password = LoginInputRequest(username=username, password=PASSWORD)
    return body(Tokens, auth_token_create.sync_detailed(client=anybody, body=name_and_password))


def accounts(anybody: Client, url: str, prefix: str) -> tuple[AuthenticatedClient, AuthenticatedClient, Tokens]:
    """Make two accounts; return their clients, and the tokens of the first."""
    ann = register(anybody, f"{prefix}.ann")
    assert ann.id > 0
    assert ann.gender == ""
    assert ann.birthday is None
    assert ann.created_at.tzinfo == datetime.UTC
    again = RegistrationInputRequest(username=f"{prefix}.Ann", password=PASSWORD)
    taken = problem(users_create.sync_detailed(client=anybody, body=again), 400, "username_taken")
    assert isinstance(taken, BadInput)
    assert taken.errors
    wrong = LoginInputRequest(username=f"{prefix}.ann", password="wrong")
    problem(auth_token_create.sync_detailed(client=anybody, body=wrong), 401, "bad_credentials")
    tokens = log_in(anybody, f"{prefix}.ann")
    register(anybody, f"{prefix}.bob")
    bob = log_in(anybody, f"{prefix}.bob")
    return AuthenticatedClient(url, token=tokens.access), AuthenticatedClient(url, token=bob.access), tokens


def profile(ann: AuthenticatedClient, prefix: str) -> None:
    """Read and write what an account says of itself, an unsaid gender too."""
    said = PatchedProfileInputRequest(gender="female", birthday=datetime.date(1990, 2, 28), avatar="")
    changed = body(OwnUser, users_me_partial_update.sync_detailed(client=ann, body=said))
    assert (changed.gender, changed.birthday) == ("female", datetime.date(1990, 2, 28))
    unsaid = PatchedProfileInputRequest(gender="", birthday=None)
    body(OwnUser, users_me_partial_update.sync_detailed(client=ann, body=unsaid))
    me = body(OwnUser, users_me_retrieve.sync_detailed(client=ann))
    assert (me.gender, me.birthday) == ("", None)
    away = PatchedStateInputRequest(status="away", message="At lunch")
    assert body(State, users_me_state_partial_update.sync_detailed(client=ann, body=away)).status == "away"
    found = body(UserPage, users_search_retrieve.sync_detailed(client=ann, q=f"{prefix}.ann"))
    assert found.results[0].id == me.id
    assert found.next_ is None
    problem(users_retrieve.sync_detailed(LARGEST_ID, client=ann), 404, "not_found")
    problem(
        users_me_partial_update.sync_detailed(client=ann, body=PatchedProfileInputRequest(gender="x")), 400, "bad_input"
    )


def posts(ann: AuthenticatedClient, bob: AuthenticatedClient) -> int:
    """Write, like and comment on a post; return the id of its author."""
    text = PostInputRequest(text="Good morning!")
    first, again = (posts_create.sync_detailed(client=bob, body=text, idempotency_key="post-1") for _ in range(2))
    post = body(Post, first, 201)
    assert body(Post, again, 201).id == post.id
    assert post.repost_of is None
    assert body(Marks, posts_like_update.sync_detailed(post.id, client=ann)).counts.likes == 1
    answer = CommentInputRequest(text="Good morning to you, too.")
    comment = body(Comment, posts_comments_create.sync_detailed(post.id, client=ann, body=answer), 201)
    assert comment.post == post.id
    page = body(CommentPage, posts_comments_retrieve.sync_detailed(post.id, client=bob, limit=1))
    assert [each.id for each in page.results] == [comment.id]
    assert body(Post, posts_retrieve.sync_detailed(post.id, client=ann)).liked
    empty(comments_destroy.sync_detailed(comment.id, client=ann), 204)
    body(BadInput, posts_create.sync_detailed(client=bob, body=PostInputRequest(text="")), 400)
    return post.author.id


def people(ann: AuthenticatedClient, bob_id: int) -> None:
    """Follow somebody, and read what there is to know about the two."""
    assert body(Relationship, users_follow_update.sync_detailed(bob_id, client=ann)).following
    found = body(Relationships, relationships_list.sync_detailed(client=ann, ids=[bob_id, LARGEST_ID]))
    assert found.results[0].following
    assert found.missing == [LARGEST_ID]
    profiles = body(ProfilesFound, users_profiles_list.sync_detailed(client=ann, ids=[bob_id]))
    assert profiles.results[0].state.last_seen_at is None
    counters = body(CountersFound, counters_list.sync_detailed(client=ann, targets=[f"user:{bob_id}"]))
    assert counters.results[f"user:{bob_id}"]["followers"] == 1


def ratings_and_popups(ann: AuthenticatedClient) -> None:
    """Rate something, and ask for a popup."""
    item = body(Item, ratings_create.sync_detailed(client=ann, body=ItemInputRequest(title="A film")), 201)
    assert item.score is None
    rated = body(Item, ratings_score_update.sync_detailed(item.id, client=ann, body=ScoreInputRequest(score=9)))
    assert (rated.score, rated.my_score, rated.count) == (9.0, 9, 1)
    shown = body(NextPopup, popups_next_retrieve.sync_detailed(client=ann, placement="home", app_version="3.2.0"))
    assert shown.popup is None
    assert shown.next_check_at > datetime.datetime.now(datetime.UTC)


def tokens_end(anybody: Client, url: str, tokens: Tokens) -> None:
    """Refresh, log out, and see that the tokens are over."""
    new = body(
        Tokens, auth_token_refresh_create.sync_detailed(client=anybody, body=RefreshInputRequest(tokens.refresh))
    )
    empty(auth_logout_create.sync_detailed(client=anybody, body=RefreshInputRequest(new.refresh)), 204)
    over = AuthenticatedClient(url, token=new.access)
    problem(users_me_retrieve.sync_detailed(client=over), 401, "token_not_valid")


def accounts_end(bob: AuthenticatedClient) -> None:
    """Delete an account, and see that it is gone."""
    wrong, right = DeletionInputRequest(password="wrong"), DeletionInputRequest(password=PASSWORD)
    problem(users_me_destroy.sync_detailed(client=bob, body=wrong), 403, "wrong_password")
    empty(users_me_destroy.sync_detailed(client=bob, body=right), 202)
    problem(users_me_retrieve.sync_detailed(client=bob), 401, "user_inactive")


def main(url: str, prefix: str) -> None:
    """Make all calls."""
    anybody = Client(url)
    ann, bob, tokens = accounts(anybody, url, prefix)
    profile(ann, prefix)
    people(ann, posts(ann, bob))
    ratings_and_popups(ann)
    tokens_end(anybody, url, tokens)
    accounts_end(bob)
    print(f"{calls} calls")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Behaviour 80: a request that lost against another node's write is answered anew, as a whole."""

from tests.topologies.galera import actions


def test_a_write_that_another_node_was_ahead_of(first, second, user_id):
    sent = ("PATCH", "users/me", {"bio": "from one node"}, user_id)
    first.start(actions.pausing_once, actions.request, *sent).wait_until_paused()
    second.call(actions.rename, user_id, "from another")
    (status, answer), commits = first.resume().result()
    assert (status, commits) == (200, 2)
    assert (answer["bio"], answer["nickname"]) == ("from one node", "from another")
    assert second.call(actions.nickname, user_id) == "from another"
    assert first.call(actions.state_of_user, user_id) == "V"


def test_one_key_on_two_nodes(first, second, user_id):
    sent = ("POST", "posts", {"text": "Once"}, user_id, {"idempotency-key": "k"})
    first.start(actions.pausing_once, actions.request, *sent).wait_until_paused()
    done = second.call(actions.request, *sent)
    again, _ = first.resume().result()
    assert done[0] == again[0] == 201
    assert done[1] == again[1]
    assert first.call(actions.posts_of, user_id) == 1

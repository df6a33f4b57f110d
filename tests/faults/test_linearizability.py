"""The checker of histories accepts what a register does, and refuses each kind of wrong answer."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.history import DONE, FAILED, UNKNOWN, History, Operation, Recorder
from tests.faults.linearizability import find_violation
from tests.faults.toggles import number_values

pytestmark = pytest.mark.embedded
EXAMPLES = settings(max_examples=300, deadline=None)


def write(value, begin_s, end_s, outcome=DONE):
    return Operation("write", "x", value, "writer", begin_s, inf if outcome == UNKNOWN else end_s, outcome)


def read(value, begin_s, end_s, process="reader"):
    return Operation("read", "x", value, process, begin_s, end_s)


BEGUN = (write("a", 0, 1), write("b", 2, 3))
RIGHT = {
    "the newest value": [*BEGUN, read("b", 4, 5)],
    "either value during a write": [*BEGUN, read("b", 2.1, 2.2), read("a", 2.1, 2.9)],
    "concurrent writes, in any order": [*BEGUN, write("c", 2, 3), read("c", 3.5, 4), read("c", 5, 6)],
    "an unknown write that did not happen": [*BEGUN, write("c", 4, 5, UNKNOWN), read("b", 9, 10)],
    "an unknown write that happens later": [*BEGUN, write("c", 4, 5, UNKNOWN), read("b", 9, 10), read("c", 11, 12)],
    "a refused write": [*BEGUN, write("c", 4, 5, FAILED), read("b", 9, 10)],
}
WRONG = {
    "an old value": [*BEGUN, read("a", 4, 5)],
    "back to an old value during a write": [*BEGUN, write("c", 4, 9), read("c", 5, 6), read("b", 7, 8)],
    "two concurrent writes, each read last": [
        *BEGUN, write("c", 2, 3), read("b", 4, 5), read("c", 6, 7), read("b", 8, 9),
    ],
    "a value of nobody": [*BEGUN, read("z", 4, 5)],
    "a value of a refused write": [*BEGUN, write("c", 4, 5, FAILED), read("c", 6, 7)],
    "a value before its write": [*BEGUN, read("c", 4, 5), write("c", 6, 7)],
    "back from an unknown write": [*BEGUN, write("c", 4, 5, UNKNOWN), read("c", 6, 7), read("b", 8, 9)],
    "a lost write": [*BEGUN, write("c", 4, 5), read("b", 9, 10)],
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_histories(name):
    assert find_violation(RIGHT[name]) is None


@pytest.mark.parametrize("name", WRONG)
def test_wrong_histories(name):
    found = find_violation(WRONG[name])
    assert found
    assert 1 <= len(found.operations) <= 4
    assert str(found).startswith("x: ")


def test_a_read_may_be_as_old_as_its_bound():
    history = [*BEGUN, read("a", 3.9, 4)]
    assert find_violation(history, lambda _: 1) is None
    assert find_violation(history, lambda _: 0.8)


@st.composite
def histories(draw):
    """Operations whose effects come one after the other, each begun somewhat earlier and ended somewhat later."""
    wide = st.floats(0, 5, allow_nan=False)
    current, operations = 0, [write(0, -1, -1)]
    for moment in range(draw(st.integers(1, 40))):
        begin_s, end_s = moment - draw(wide), moment + draw(wide)
        kind = draw(st.sampled_from(["read", "read", "write", "late write", "no write"]))
        if kind == "read":
            operations.append(read(current, begin_s, end_s))
        elif kind == "no write":
            operations.append(write(f"not {moment}", begin_s, end_s, draw(st.sampled_from([FAILED, UNKNOWN]))))
        else:
            current = moment + 1
            operations.append(write(current, begin_s, end_s, UNKNOWN if kind == "late write" else DONE))
    return operations


@EXAMPLES
@given(histories())
def test_what_a_register_does_is_accepted(history):
    assert find_violation(history) is None


@EXAMPLES
@given(histories(), st.data())
def test_a_stale_read_is_refused(history, data):
    """A read of the first value that begins after another write, begun after the first, was acknowledged."""
    later = [each for each in history if each.kind == "write" and each.outcome == DONE and each.begin_s > -1]
    if later:
        begin_s = data.draw(st.sampled_from(later)).end_s + data.draw(st.floats(0.001, 50))
        assert find_violation([*history, read(0, begin_s, begin_s + 1)])


@EXAMPLES
@given(histories())
def test_a_toggle_is_judged_as_a_register(history):
    """Writes one after the other; numbered anew, the history of true and false is right."""
    sequential = [replace(each, value=each.value % 2 == 1, begin_s=n, end_s=n + 0.5) for n, each in enumerate(history)
                  if isinstance(each.value, int)]  # fmt: skip
    changes, value = [], None
    for each in sequential:
        if each.kind == "write" and each.value != value:
            changes.append(replace(each, outcome=DONE))
            value = each.value
        elif each.kind == "read":
            changes.append(replace(each, value=value))
    assert find_violation(number_values(changes)) is None
    changes += [read(not value, len(history) + 1, len(history) + 2)]
    assert find_violation(number_values(changes))


def test_a_killed_client_loses_nothing(tmp_path):
    recorder = Recorder(tmp_path / "history", "ann")
    done, refused = recorder.begin_write("x", "a"), recorder.begin_write("x", "b")
    recorder.end_write(done, DONE)
    recorder.end_write(refused, FAILED)
    recorder.read([("x", "a"), ("y", None)], 1.0)
    recorder.request("rename", 503, "2", 1.0)
    recorder.begin_write("x", "c")  # and no end
    history = History.load(tmp_path / "history")
    assert [each.outcome for each in history.registers["x"]] == [DONE, FAILED, UNKNOWN, DONE]
    assert history.registers["x"][2].end_s == inf
    assert history.registers["y"][0].begin_s == 1.0
    assert [each.status for each in history.requests] == [503]

"""Functions for other processes: they decide on a case, and kill their process while they do."""

from tests.support.crashes import dies_at_commit


def decide_and_die(case_id: int, decision: int, moderator_id: int, when: str) -> None:
    """Decide on a case; the process dies just before or after the commit of the decision."""
    from reports import decisions
    from reports.models import Case
    from users.models import User

    moderator = User.objects.get(pk=moderator_id)
    dies_at_commit(1, when)
    decisions.decide(case_id, Case.Decision(decision), by=moderator)

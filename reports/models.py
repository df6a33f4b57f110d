"""Reports of users about posts, comments and users, and the cases that gather the reports about one target."""

from django.db import models
from django.utils import timezone

from api.model_fields import MultilineField
from users.models import User

TEXT_LENGTH = 1_000


class Kind(models.IntegerChoices):
    """What can be reported."""

    POST = 1, "post"
    COMMENT = 2, "comment"
    USER = 3, "user"


class Reason(models.IntegerChoices):
    """Why something is reported, from the least grave reason."""

    OTHER = 1, "other"
    SPAM = 2, "spam"
    ABUSE = 3, "abuse"
    ILLEGAL = 4, "illegal"


class Case(models.Model):
    """All reports about one target. It is open from a report until a decision, and again from the next report.

    `author` is who answers for the target: the author of a post or comment, or the user. The numbers of reports by
    reason, `gravest`, `first_at` and `last_at` are kept by services.file_report(), under a lock on the row.
    """

    class State(models.IntegerChoices):
        """Whether somebody has to decide."""

        CLOSED = 0, "decided"
        OPEN = 1, "open"

    class Decision(models.IntegerChoices):
        """What the last decision was."""

        NONE = 0, "none"
        DISMISSED = 1, "dismissed"
        HIDDEN = 2, "hidden"
        DELETED = 3, "deleted"
        DEACTIVATED = 4, "author deactivated"

    id = models.BigAutoField(primary_key=True)
    kind = models.PositiveSmallIntegerField(choices=Kind)
    target_id = models.BigIntegerField()
    author = models.ForeignKey(User, models.CASCADE, related_name="+")
    state = models.PositiveSmallIntegerField(choices=State, default=State.CLOSED)  # until the first report is filed
    other = models.PositiveIntegerField(default=0)
    spam = models.PositiveIntegerField(default=0)
    abuse = models.PositiveIntegerField(default=0)
    illegal = models.PositiveIntegerField(default=0)
    gravest = models.PositiveSmallIntegerField(choices=Reason, default=Reason.OTHER)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    decision = models.PositiveSmallIntegerField(choices=Decision, default=Decision.NONE)
    decided_at = models.DateTimeField(null=True, blank=True, default=None)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, default=None, related_name="+")

    class Meta:
        default_permissions = ("view",)
        permissions = [("decide_case", "Can hide, delete, deactivate and dismiss what is reported")]
        verbose_name = "reported target"
        verbose_name_plural = "queue of reports"
        constraints = [models.UniqueConstraint(fields=["kind", "target_id"], name="reports_case_target")]
        indexes = [
            # Each is read backwards: open cases first, then the gravest reason, then the newest report.
            models.Index(fields=["state", "gravest", "last_at"], name="reports_case_queue"),
            models.Index(fields=["kind", "state", "gravest", "last_at"], name="reports_case_kind"),
            models.Index(fields=["gravest", "state", "last_at"], name="reports_case_gravest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.target_id}"

    @property
    def by_reason(self) -> dict[Reason, int]:
        """The number of reports for each reason that was given, the gravest first."""
        counts = {reason: getattr(self, reason.label) for reason in reversed(Reason)}
        return {reason: count for reason, count in counts.items() if count}

    @property
    def reports(self) -> int:
        """The number of all reports."""
        return sum(self.by_reason.values())


class Report(models.Model):
    """A report of a user. Once its reporter is deleted, it has neither a reporter nor a text."""

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(Case, models.CASCADE, related_name="+", db_index=False)
    reporter = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    reason = models.PositiveSmallIntegerField(choices=Reason)
    text = MultilineField(max_length=TEXT_LENGTH, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["case", "reporter"], name="reports_report_once")]
        indexes = [models.Index(fields=["case", "id"], name="reports_report_page")]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.text[:40]}" if self.text else self.get_reason_display()

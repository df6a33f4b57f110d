"""What the permissions of the operator's page, and its entries in the log, hang on."""

from django.db import models


class Status(models.Model):
    """No table: the page itself, as something that staff may be permitted to view and to use."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = (
            ("view_status", "Can view the operator's page"),
            ("operate", "Can drop, warm and reconcile on the operator's page"),
        )
        verbose_name = "operator's page"
        verbose_name_plural = "operator's page"

    def __str__(self) -> str:
        return "operator's page"

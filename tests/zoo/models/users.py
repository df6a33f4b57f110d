"""A proxy and a child of a model of another package."""

from django.contrib.auth.models import User, UserManager
from django.db import models


class StaffManager(models.Manager):
    """A manager that filters."""

    def get_queryset(self):
        return super().get_queryset().filter(is_staff=True)


class Staff(User):
    objects = UserManager()
    staff = StaffManager()

    class Meta:
        proxy = True


class Teacher(User):
    subject = models.CharField(max_length=50, default="")

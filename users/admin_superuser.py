"""What is a superuser's business: groups, whose permissions are their members', and the log of the admin."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from api.admin import NewestFirstAdmin
from api.audited_admin import AuditedAdmin
from users.models import User

admin.site.unregister(Group)


def _is_superuser(model_admin: Any, request: HttpRequest, obj: Any = None) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


def _nobody(model_admin: Any, request: HttpRequest, obj: Any = None) -> bool:
    return False


@admin.register(Group)
class SuperuserGroupAdmin(AuditedAdmin, GroupAdmin):
    """Admin of groups; other staff may view them, if they have the permission."""

    has_add_permission = has_change_permission = has_delete_permission = _is_superuser


@admin.register(LogEntry)
class LogEntryAdmin(NewestFirstAdmin):
    """The log of the admin: who changed what, and when. Nobody changes it."""

    list_display = ("action_time", "user", "action_flag", "content_type", "object_id", "object_repr", "message")
    list_select_related = ("user", "content_type")
    search_help_text = "The id or the whole username of who made the entry."
    has_module_permission = has_view_permission = _is_superuser
    has_add_permission = has_change_permission = has_delete_permission = _nobody

    def search(self, queryset: QuerySet, text: str) -> QuerySet:
        return queryset.filter(user_id__in=User.objects.ids_named(text))

    @admin.display
    def message(self, entry: LogEntry) -> str:
        return entry.get_change_message()

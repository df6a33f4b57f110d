"""Actions and forms of the Django admin, as a browser sends them."""

from typing import Any

from django.test import Client


def run_action(client: Client, address: str, action: str, *rows: Any) -> str:
    """Select rows on the list page at `address` and run an action on them; return the HTML of the page that follows."""
    page = client.post(address, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)
    return page.content.decode()


def form_of(page: Any) -> dict[str, Any]:
    """Return what a browser would send for the form of a page, as it is shown."""
    fields = page.context["adminform"].form
    return {name: fields[name].value() for name in fields.fields if fields[name].value() not in (None, False)}

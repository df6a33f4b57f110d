"""Actions of the Django admin, as a browser sends them."""

from typing import Any

from django.test import Client


def run_action(client: Client, address: str, action: str, *rows: Any) -> str:
    """Select rows on the list page at `address` and run an action on them; return the HTML of the page that follows."""
    page = client.post(address, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)
    return page.content.decode()

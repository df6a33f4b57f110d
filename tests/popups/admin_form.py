"""The form of a popup in the admin, as a browser sends it."""

POPUPS = "/admin/popups/popup/"
FORM = {
    "title": "Hello", "body": "Come in", "is_active": "on", "placement": "home", "priority": 3,
    "starts_at_0": "2026-01-01", "starts_at_1": "00:00:00", "countries": "CN,us ", "percentage": 100,
    "reshow_hours": 24, "click_cooldown_hours": 168,
}  # fmt: skip


def add(root, **columns):
    return root.post(f"{POPUPS}add/", {**FORM, **columns})

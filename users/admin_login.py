"""The form by which the staff logs in to the admin, throttled as the API's log-in is, on the same budgets."""

from typing import Any

from django.core.exceptions import ValidationError

from api import throttles
from api.problems import Problem
from users import login_throttle
from users.login_form import LoginForm


class ThrottledLoginForm(LoginForm):
    """The form, which checks a password only if the address and the account are within their budgets."""

    def clean(self) -> dict[str, Any]:
        """Check the password; a refusal by a throttle is an error of the form that says how long to wait."""
        request: Any = self.request
        try:
            throttles.admit("token", throttles.client_address(request))
            if self.errors:  # a missing username or password: no password will be checked
                return super().clean()
            with login_throttle.attempt(request, self.cleaned_data["username"]):
                return super().clean()
        except Problem as problem:
            raise ValidationError(str(problem.detail), code=problem.code) from None

"""The caller's own logins over HTTP: one for each device."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.cursors import MOST, parse_limit
from api.ids import parse_id
from api.json import json_response, no_content
from api.problems import not_found
from api.schema import described, id_in_path, limit_query
from api.views import BatchedView
from caching.api import Batch
from users import logins
from users.models import User
from users.schemas import output

COLUMNS = ("id", "created_at", "last_used_at", "user_agent")


class SessionsView(BatchedView):
    """Endpoint /api/v1/users/me/sessions: GET returns the caller's logins that are not over."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.limit = parse_limit(request.GET, default=MOST)
        self.users = batch.rows(User, [caller_id])

    @described(answers={200: output.Sessions}, query=[limit_query(MOST)], operation_id="users_me_sessions_list")
    def get(self, request: Request) -> HttpResponse:
        """List the own logins.

        One for each device, the one that was used last first; `last_used_at` is the log-in or the last refresh.
        """
        open_logins = logins.open_logins(self.caller_id, self.users.only_row().token_generation)
        rows = open_logins.values(*COLUMNS)[: self.limit]
        return json_response({"results": [{**row, "current": row["id"] == self.caller_login} for row in rows]})


class SessionView(BatchedView):
    """Endpoint /api/v1/users/me/sessions/{id}: DELETE ends a login of the caller's."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, login_id: str) -> None:
        self.login_id = parse_id(login_id)

    @described(answers={204: None}, problems=("not_found",), query=[id_in_path("login_id", 5)])
    def delete(self, request: Request, login_id: str) -> HttpResponse:
        """Log a device out.

        Ends the refresh and access tokens of this login at once. May be repeated.
        """
        if not logins.end_login(self.caller_id, self.login_id):
            raise not_found("such login of yours")
        return no_content()

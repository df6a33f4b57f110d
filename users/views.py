"""Accounts, profiles and states over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from api import throttles
from api.ids import parse_id, parse_ids
from api.inputs import validated
from api.json import json_response, no_content
from api.problems import Problem, bad_input
from api.projections import fields_parameter
from api.reads import Read, answer
from api.schema import described, fields_query, id_in_path, ids_query
from api.views import BatchedView, inactive_account
from caching.api import Batch
from users import erasure, services
from users.projections import OWN, state_document
from users.reads import NamedUser, OneUser, OwnUser, SomeUsers, State
from users.schemas import output
from users.schemas.input import DeletionInput, ProfileInput, RegistrationInput, StateInput, username_taken
from users.usernames import USERNAME_LENGTH, USERNAME_RULE


@contextmanager
def _existing_caller() -> Iterator[None]:
    try:
        yield
    except ObjectDoesNotExist:
        raise inactive_account() from None


def columns_of(instance: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the named columns of an instance."""
    return {name: getattr(instance, name) for name in names}


class UserView(BatchedView):
    """Endpoint /api/v1/users/{id}: GET returns the user's public fields, or the ones named by `fields`."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, user_id: str) -> None:
        self.read = OneUser(batch, caller_id, parse_id(user_id), fields_parameter(request.query_params))

    @described(
        answers={200: output.UserFields},
        problems=("private_field", "not_found"),
        query=[id_in_path("user_id"), fields_query(OWN)],
    )
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Get a user.

        The answer has all public fields, or those that `fields` names, which may be private ones of the caller's own
        user.
        """
        return answer(self.read)


class OwnUserView(BatchedView):
    """Endpoint /api/v1/users/me: GET returns the caller's own user, PATCH changes its profile, DELETE ends it."""

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        self.read = OwnUser(batch, caller_id)

    @described(answers={200: output.OwnUser})
    def get(self, request: Request) -> HttpResponse:
        """Get the own account.

        The answer has the private fields too.
        """
        return answer(self.read)

    @described(answers={200: output.OwnUser}, body=ProfileInput)
    def patch(self, request: Request) -> HttpResponse:
        """Change the own profile.

        Fields that are not sent keep their values. If any field is unknown, read-only or invalid, nothing is changed.
        Texts are answered as they are stored, which may differ from what was sent.
        """
        changes = validated(ProfileInput, request.data, partial=True)
        with _existing_caller():
            user = services.update_profile(self.caller_id, **changes)
        return json_response(columns_of(user, OWN))

    @described(answers={202: None}, problems=("wrong_password",), body=DeletionInput)
    def delete(self, request: Request) -> HttpResponse:
        """Delete the own account.

        It is gone for everybody at once, and its rows follow within the hour. Nobody can bring it back.
        """
        password = validated(DeletionInput, request.data)["password"]
        throttles.admit("password", self.caller_id)  # as for a change of the password
        try:
            with _existing_caller():
                erasure.request(self.caller_id, password=password)
        except erasure.WrongPassword:
            raise Problem(403, "wrong_password", "This is not the account's password.") from None
        return no_content(202)


class StateView(BatchedView):
    """Endpoint /api/v1/users/{id}/state: GET returns the user's state."""

    def prepare(self, request: Request, batch: Batch, caller_id: int, user_id: str) -> None:
        self.read = State(batch, caller_id, parse_id(user_id))

    @described(answers={200: output.State}, problems=("blocked", "not_found"), query=[id_in_path("user_id")])
    def get(self, request: Request, user_id: str) -> HttpResponse:
        """Get the state of a user.

        A user without a state, or online without a heartbeat for 5 minutes, is offline.
        """
        return answer(self.read)


class OwnStateView(BatchedView):
    """Endpoint /api/v1/users/me/state: PATCH changes the caller's state and returns it."""

    @described(answers={200: output.State}, body=StateInput)
    def patch(self, request: Request) -> HttpResponse:
        """Change the own state.

        Fields that are not sent keep their values. An empty object is a heartbeat: it only renews `last_seen_at`.
        """
        changes = validated(StateInput, request.data, partial=True)
        with _existing_caller():
            state = services.set_state(self.caller_id, **changes)
        return json_response(state_document(self.caller_id, state))


class UsersView(BatchedView):
    """Endpoint /api/v1/users: GET returns users by `ids` or `username`, POST creates an account and returns it."""

    public = {"POST": "register"}

    def prepare(self, request: Request, batch: Batch, caller_id: int) -> None:
        query = request.query_params
        if ("ids" in query) == ("username" in query):
            raise bad_input("ids", "Give either ids or username.", "ids_or_username")
        if len(query.get("username", "")) > USERNAME_LENGTH:
            raise bad_input("username", USERNAME_RULE, "bad_username")
        fields = fields_parameter(query)
        self.read: Read
        if "ids" in query:
            self.read = SomeUsers(batch, caller_id, parse_ids(query), fields)
        else:
            self.read = NamedUser(batch, caller_id, query["username"], fields)

    @described(
        answers={201: output.OwnUser},
        problems=("username_taken", "weak_password"),
        body=RegistrationInput,
        public=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Create an account.

        A username has 3 to 30 ASCII letters and digits, with single dots and underscores between them; names that
        differ only in case are one name, and some names are reserved. Log in afterwards: the answer has no tokens.
        """
        try:
            user = services.register(**validated(RegistrationInput, request.data))
        except services.UsernameTaken:
            raise username_taken() from None
        return json_response(columns_of(user, OWN), status=201)

    @described(
        answers={200: output.UsersFound},
        problems=("private_field", "ids_or_username", "bad_username"),
        query=[
            ids_query(required=False),
            OpenApiParameter("username", str, description="A whole username, in any case, instead of `ids`."),
            fields_query(OWN),
        ],
        operation_id="users_list",
    )
    def get(self, request: Request) -> HttpResponse:
        """Get several users, or one by name.

        By `ids` the answer has the users in the order of the ids, and the unknown ids in `missing`. By `username` it
        has at most one user.
        """
        return answer(self.read)

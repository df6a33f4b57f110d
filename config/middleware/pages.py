"""Middleware that only HTML pages need: the API has no sessions, and should not spend time on them."""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

API = "/api/"


class _PagesOnly(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request) if request.path_info.startswith(API) else super().__call__(request)


class Sessions(_PagesOnly, SessionMiddleware):
    """Django's SessionMiddleware, skipped by requests to the API."""


class Authentication(_PagesOnly, AuthenticationMiddleware):
    """Django's AuthenticationMiddleware, skipped by requests to the API."""


class Messages(_PagesOnly, MessageMiddleware):
    """Django's MessageMiddleware, skipped by requests to the API."""

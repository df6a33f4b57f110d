"""The log-in form of the admin, which takes usernames as the API takes them."""

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm

from users.usernames import USERNAME_LENGTH


class LoginForm(AdminAuthenticationForm):
    """Django's form without its normalisation of usernames, by which full-width letters would be taken for ASCII."""

    username = forms.CharField(
        max_length=USERNAME_LENGTH, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "username"})
    )

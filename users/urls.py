"""URL patterns under /api/v1/."""

from django.urls import path

from users import auth_views, email_views, export_views, password_views, search_views, session_views, views

urlpatterns = [
    path("users", views.UsersView.as_view()),
    path("users/search", search_views.SearchView.as_view()),
    path("users/me", views.OwnUserView.as_view()),
    path("users/me/export", export_views.OwnExportView.as_view()),
    path("users/me/password", password_views.OwnPasswordView.as_view()),
    path("users/me/email", email_views.OwnEmailView.as_view()),
    path("users/me/sessions", session_views.SessionsView.as_view()),
    path("users/me/sessions/<str:login_id>", session_views.SessionView.as_view()),
    path("users/me/state", views.OwnStateView.as_view()),
    path("users/<str:user_id>", views.UserView.as_view()),
    path("users/<str:user_id>/state", views.StateView.as_view()),
    path("auth/token", auth_views.TokenView.as_view()),
    path("auth/token/refresh", auth_views.RefreshView.as_view()),
    path("auth/logout", auth_views.LogoutView.as_view()),
    path("auth/email/confirm", email_views.EmailConfirmView.as_view()),
    path("auth/password/reset", password_views.ResetView.as_view()),
    path("auth/password/reset/confirm", password_views.ResetConfirmView.as_view()),
]

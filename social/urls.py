"""URL patterns under /api/v1/; listed before the ones of users, in which `profiles` would be an id."""

from django.urls import include, path

from social import list_views, profile_views, views

urlpatterns = [
    path("relationships", views.RelationshipsView.as_view()),
    path("users/profiles", profile_views.ProfilesView.as_view()),
    path("users/me/friends", list_views.FriendsView.as_view()),
    path("users/me/blocks", list_views.BlocksView.as_view()),
    path(
        "users/<str:user_id>/",
        include(
            [
                path("followers", list_views.FollowersView.as_view()),
                path("following", list_views.FollowingView.as_view()),
                path("follow", views.FollowView.as_view()),
                path("follower", views.FollowerView.as_view()),
                path("block", views.BlockView.as_view()),
            ]
        ),
    ),
]

"""Settings of the OpenAPI document and of the page that shows it."""

DESCRIPTION = """\
**Log in and try a call.** Open `POST /api/v1/users` under *users*, press *Try it out* and *Execute*: this makes the \
account of the example (on a server that others use, choose a username of your own). Do the same with \
`POST /api/v1/auth/token` under *auth*, with the same username and password, and copy the value of `access` out of the \
answer. Press *Authorize* at the top of the page, paste the value, press *Authorize* and *Close*: from now on the page \
sends it with each request, for 60 minutes. Now open `GET /api/v1/users/me`, *Try it out*, *Execute*: the answer is \
your own account. After `make run` there are demo users, posts and ratings too, and the account `admin` with the \
password `hotpath-demo`.

Ids are whole numbers of up to 64 bits. Times are RFC 3339 in UTC, with six digits of fraction. Errors are problem \
documents (RFC 9457): programs go by `code`, whose list is the schema `ErrorCode`. Lists are read page by page, by the \
links `next` and `previous`. Answers may get further fields, so ignore those that you do not know; requests are \
refused (400 `bad_input`) if they have a field that is not described here.
"""
TAGS = [
    ("auth", "Log in and out, new tokens, forgotten passwords."),
    ("users", "Accounts, profiles, who is there, and search for people."),
    ("social", "Who follows and blocks whom."),
    ("posts", "Posts, comments, likes, favourites."),
    ("ratings", "Items that people rate from 1 to 10, with their averages."),
    ("counters", "The numbers beside users, posts and items, many at once."),
    ("reports", "Tell the staff what is wrong with a post, a comment or a user."),
    ("popups", "What the app shows over its pages, and what people do with it."),
]
SETTINGS = {
    "OAS_VERSION": "3.1.0",  # 3.0 cannot say that an object may be null so that all generators understand it
    "TITLE": "Hotpath",
    "VERSION": "1",
    "DESCRIPTION": DESCRIPTION,
    "LICENSE": {"name": "MIT", "url": "https://opensource.org/license/mit"},
    "SERVERS": [{"url": "/", "description": "The server that this document comes from."}],
    "TAGS": [{"name": name, "description": description} for name, description in TAGS],
    "DEFAULT_GENERATOR_CLASS": "api.schema_generator.OnceGenerator",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # "none": the page asks no other server whether the document is valid.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "displayRequestDuration": True, "validatorUrl": "none"},
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "The value of `access` from a log-in, without the word Bearer.",
            }
        }
    },
    "POSTPROCESSING_HOOKS": [
        "api.schema_hooks.open_blank_texts",
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.schema_hooks.share_problems",
        "api.schema_hooks.add_headers",
        "api.schema_hooks.format_integers",
        "api.schema_hooks.require_bodies",
        "api.schema_hooks.say_what_is_public",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ErrorCode": "api.schema.ERROR_CODES",
        "Status": "users.models.UserState.Status",
        "ReportKind": "reports.schemas.input.KINDS",
        "ReportReason": "reports.schemas.input.REASONS",
        "PopupEventType": "popups.api.schemas.input.EVENT_TYPES",
    },
}

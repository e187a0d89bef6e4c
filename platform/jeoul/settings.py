"""All settings of Jeoul; what differs between machines comes from the environment."""

import ipaddress
import os
import sys
from pathlib import Path

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

from jeoul import env

ROOT = Path(__file__).resolve().parent.parent.parent
VAR = Path(env.text("JEOUL_VAR", str(ROOT / "var")))

# Read by numpy's and scipy's BLAS when they are loaded, which is later. Its own threads win nothing
# on matrices of some hundred systems, and many processes' threads fight over the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

PRODUCTION = env.flag("JEOUL_PRODUCTION", default=False)
DEBUG = env.flag("DEBUG", default=False)
_DEVELOPMENT_KEY = "development-only-key-not-for-production"
SECRET_KEY = env.text("SECRET_KEY", _DEVELOPMENT_KEY)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1]")
SITE_URL = env.text("SITE_URL", "http://127.0.0.1:8000")

if PRODUCTION:
    if SECRET_KEY == _DEVELOPMENT_KEY or len(SECRET_KEY) < 50:
        raise ImproperlyConfigured(
            "SECRET_KEY must be a random text of at least 50 characters in production; make one "
            'with: python -c "import secrets; print(secrets.token_urlsafe(64))"'
        )
    if DEBUG:
        raise ImproperlyConfigured("DEBUG must be off in production.")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS must list this site's host names in production, e.g. eval.example.org."
        )

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "template_partials",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "jeoul.accounts",
    "jeoul.studies",
    "jeoul.risk",
    "jeoul.workers",
    "jeoul.comparisons",
    "jeoul.quality",
    "jeoul.payments",
    "jeoul.results",
    "jeoul.conduct",
    "jeoul.dashboard",
    "jeoul.api",
    "annotation",
    "tasks",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "jeoul.policy.PolicyMiddleware",
    "jeoul.doors.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "jeoul.doors.AuthenticationMiddleware",
    "jeoul.doors.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "jeoul.errors.DomainErrorMiddleware",
    "jeoul.doors.EntityTags",
    # Last, so that it holds the view alone.
    "jeoul.api.idempotency.IdempotencyKeys",
]

ROOT_URLCONF = "jeoul.urls"
WSGI_APPLICATION = "jeoul.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["template_partials.templatetags.partials"],
        },
    }
]

# Off behind a pooler that gives each transaction another connection (PgBouncer's).
PREPARE_STATEMENTS = env.flag("DATABASE_PREPARE", default=True)
# One code path everywhere: PostgreSQL. Connections stay open, since a judgement is a short
# request and a new connection costs more than all of its queries.
DATABASES = {
    "default": {
        **env.postgres("DATABASE_URL"),
        "CONN_MAX_AGE": env.number("DATABASE_CONN_MAX_AGE", 600),
        "CONN_HEALTH_CHECKS": True,
        # A cursor that outlives its transaction would be looked for on another connection.
        "DISABLE_SERVER_SIDE_CURSORS": not PREPARE_STATEMENTS,
    }
}
REDIS_URL = env.text("REDIS_URL")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "study-list"
LOGOUT_REDIRECT_URL = "login"

# Keys of model providers are encrypted with this; a list, so that it can be rotated.
FIELD_KEYS = env.words("FIELD_KEYS") or [SECRET_KEY]

# Networks inside this machine or house where model providers may live besides the public
# internet, e.g. 10.1.0.0/16. A server refuses them all unless told; on one's own machine the
# local model must be reachable.
PROVIDER_NETWORKS = env.words("PROVIDER_NETWORKS", "" if PRODUCTION else "127.0.0.0/8,::1/128")
for _network in PROVIDER_NETWORKS:
    try:
        ipaddress.ip_network(_network)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"PROVIDER_NETWORKS must list networks like 10.1.0.0/16: {error}."
        ) from None

LANGUAGE_CODE = "en"
LOCALE_PATHS = [ROOT / "platform" / "jeoul" / "locale"]
# English stands in the code; each folder of translations is one language more.
LANGUAGES = [("en", "English"), *env.languages(LOCALE_PATHS[0])]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(VAR / "static")))
STATICFILES_DIRS = [ROOT / "static"]
_HASHED = "whitenoise.storage.CompressedManifestStaticFilesStorage"
_PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": _HASHED if env.flag("STATIC_HASHED", default=PRODUCTION) else _PLAIN
    },
}
# Without collected files whitenoise serves them from their sources.
WHITENOISE_USE_FINDERS = not env.flag("STATIC_HASHED", default=PRODUCTION)
MEDIA_ROOT = VAR / "media"

# Where a worker may be sent back to at the end; an open redirect would lend our name to anybody.
COMPLETION_HOSTS = env.words("COMPLETION_HOSTS", "app.prolific.com,connect.cloudresearch.com")

SECURE_CONTENT_TYPE_NOSNIFF = True
# The worker's token stands in the URL, so no address may leave for another site in a Referer.
# "no-referrer" would also blank the Origin of our own forms, and the CSRF check needs it.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = ["^healthz$"]
    SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 31_536_000)
    if env.flag("BEHIND_PROXY", default=True):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": env.words("FRAME_ANCESTORS") or [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    },
}

DATA_UPLOAD_MAX_MEMORY_SIZE = env.number("MAX_UPLOAD_BYTES", 64 * 1024 * 1024)

REST_FRAMEWORK = {
    # The schema tells it all; what OPTIONS would say needs a queryset that one-object views lack.
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_AUTHENTICATION_CLASSES": ["jeoul.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "jeoul.api.authentication.HasScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "jeoul.api.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "jeoul.api.throttling.StrangerRate",
        "jeoul.api.throttling.PersonRate",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.text("API_ANON_RATE", "60/min"),
        "user": env.text("API_USER_RATE", "1200/min"),
    },
    "EXCEPTION_HANDLER": "jeoul.api.errors.problem",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Jeoul",
    "DESCRIPTION": "Pairwise human evaluation of language-model systems.",
    "VERSION": "v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "jeoul.api.schema.with_examples",
    ],
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Asking providers is waiting, scanning is computing: on one interpreter the second would keep the
# first from its answers. A worker that is told no queue serves both.
CELERY_TASK_QUEUES = (Queue("celery"), Queue("generation"))
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_ROUTES = {"tasks.generation.*": {"queue": "generation"}}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
# One key space per deployment, so that two of them may share one Valkey.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": env.text("BROKER_PREFIX", "jeoul:"),
    "visibility_timeout": 600,
}
# Single tries of generation, with the provider's words, are kept for so long; 0 keeps them all.
ATTEMPT_DAYS = env.number("ATTEMPT_DAYS", 180, at_least=0)
# Folders of training data that researchers may have their prompt sets looked for in.
CORPUS_FOLDERS = env.words("CORPUS_FOLDERS")
# Names of people are looked for by presidio where it and these spaCy models are installed.
NAMES_MODELS = env.pairs("NAMES_MODELS", "en=en_core_web_lg")

SWEEP_SECONDS = env.number("SWEEP_SECONDS", 20, at_least=1)

EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "jeoul@localhost")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25, at_least=1)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 10

# A worker's address holds their key: no log keeps it.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"keys": {"()": "jeoul.serving.HideKeys"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["keys"]}},
    "loggers": {"django": {"handlers": ["console"], "level": "WARNING"}},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.dict_tracebacks,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ],
    # Standard output belongs to commands whose answer a program reads.
    logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
)

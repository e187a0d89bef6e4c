"""The web server's entry: gunicorn jeoul.wsgi."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
application = get_wsgi_application()

# Two stages: what builds the environment stays behind.
FROM python:3.12-slim AS build
WORKDIR /app
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY pyproject.toml README.md LICENSE ./
COPY platform ./platform
COPY annotation ./annotation
COPY tasks ./tasks
RUN /venv/bin/pip install -e .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /app jeoul
WORKDIR /app
COPY --from=build /venv /venv
COPY --chown=root:root . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    STATIC_HASHED=1 STATIC_ROOT=/app/static-built JEOUL_VAR=/app/var
# Collecting files asks no server; the addresses only have to look like addresses.
RUN DATABASE_URL=postgresql://build@build/build REDIS_URL=redis://build \
    python manage.py collectstatic --noinput && mkdir -p var && chown jeoul var
USER jeoul
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "jeoul.wsgi", "--bind", "0.0.0.0:8000", "--workers", "4", "--threads", "4", "--access-logfile", "-", "--access-logformat", "%(t)s %(m)s %(s)s %(B)s bytes %(M)s ms", "--no-control-socket"]

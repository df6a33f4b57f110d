# Hotpath with production settings, served by gunicorn, or by Granian if SERVER=granian.
# compose.yaml adds MySQL and Redis.

FROM python:3.13.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev libmariadb-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY requirements-base.txt requirements.txt /build/
RUN python -m venv /opt/hotpath \
    && /opt/hotpath/bin/python -m pip install --no-cache-dir --disable-pip-version-check -r /build/requirements.txt

FROM python:3.13.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libmariadb3 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 hotpath \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin hotpath \
    && install -d -o hotpath -g hotpath /data /data/metrics
COPY --from=build /opt/hotpath /opt/hotpath
COPY . /app
WORKDIR /app
RUN /opt/hotpath/bin/python -m compileall -q /app
ENV PATH=/opt/hotpath/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data PORT=8000
# By number, so that Kubernetes can tell that it is not root (runAsNonRoot).
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
CMD ["python", "-m", "serving"]

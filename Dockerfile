# For builds that can be repeated, pin the bases by their digests:
#   docker buildx imagetools inspect python:3.13-slim --format '{{.Manifest.Digest}}'
#   docker build --build-arg PYTHON=python:3.13-slim@sha256:… --build-arg NODE=node:22-slim@sha256:… .
# For an image that you publish, say what is in it:
#   --build-arg REVISION=$(git rev-parse HEAD) --build-arg CREATED=$(date -u +%FT%TZ)
ARG PYTHON=python:3.13-slim
ARG NODE=node:22-slim

FROM ${NODE} AS static
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tools tools
COPY templates templates
COPY static static
RUN node tools/bundle.js bundled

FROM ${PYTHON} AS wheel
WORKDIR /build
COPY requirements/build.lock ./
RUN pip install --no-cache-dir --require-hashes --no-deps -r build.lock
COPY pyproject.toml hatch_build.py README.md LICENSE THIRD_PARTY.md ./
COPY static static
COPY --from=static /build/bundled bundled
COPY templates templates
COPY migrations migrations
COPY app app
RUN python -m hatchling build -t wheel -d dist

FROM ${PYTHON} AS installed
WORKDIR /build
RUN python -m venv /opt/playhead
COPY requirements/app.lock ./
RUN /opt/playhead/bin/pip install --no-cache-dir --require-hashes --no-deps -r app.lock
COPY --from=wheel /build/dist dist
RUN /opt/playhead/bin/pip install --no-cache-dir --no-deps --no-index dist/*.whl
COPY tools/collect_licences.py ./
RUN /opt/playhead/bin/python collect_licences.py /opt/playhead/share/licences

FROM ${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
# Playhead is under MIT; the others are those of what the image bundles: see THIRD_PARTY.md.
LABEL org.opencontainers.image.title="Playhead" \
    org.opencontainers.image.description="Session replay for mobile apps, fed by unmodified Sentry SDKs" \
    org.opencontainers.image.licenses="MIT AND Apache-2.0 AND BSD-3-Clause AND GPL-3.0-or-later AND LGPL-2.1-or-later AND MPL-2.0 AND PostgreSQL AND OFL-1.1" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}"
RUN groupadd --system --gid 10001 playhead \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin playhead \
    && mkdir --mode=0700 /data /backup \
    && chown 10001:10001 /data \
    && chown 10001:10001 /backup
COPY --from=installed /opt/playhead /opt/playhead
ENV PATH=/opt/playhead/bin:$PATH PLAYHEAD_DATA_DIR=/data PLAYHEAD_HOST=0.0.0.0 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# By number, so that Kubernetes can tell that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Alive, not ready: envelopes are taken while Postgres is away, so nothing should end it then.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('PLAYHEAD_PORT', 8000)}/health/live\", timeout=4)"]
CMD ["playhead", "serve"]

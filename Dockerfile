FROM python:3.13-slim

RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin playhead \
    && install --directory --owner=playhead --group=playhead --mode=0700 /data

WORKDIR /srv/playhead
COPY requirements/app.lock requirements/app.lock
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/app.lock

COPY LICENSE playhead ./
COPY migrations migrations
COPY static static
COPY templates templates
COPY app app
RUN python -m compileall -q app migrations && ln -s /srv/playhead/playhead /usr/local/bin/playhead

USER playhead
ENV PLAYHEAD_DATA_DIR=/data PLAYHEAD_HOST=0.0.0.0 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
CMD ["playhead", "serve"]

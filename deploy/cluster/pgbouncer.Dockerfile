# pgbouncer as Debian has it, for compose.yml; the folder above is its context.
FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends pgbouncer \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10002 --no-create-home --shell /usr/sbin/nologin bouncer
COPY pgbouncer.ini /etc/pgbouncer/cluster.ini
COPY cluster/start_pgbouncer.sh /usr/local/bin/start_pgbouncer.sh
USER 10002:10002
EXPOSE 6432
CMD ["sh", "/usr/local/bin/start_pgbouncer.sh"]

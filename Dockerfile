# Korrigo's one image; the command chooses: serve, worker or migrate (docs/guide/production.md).
# Built by `docker compose build`, or by `make image` where there is no container engine.
#
# Behind a school's proxy, the machine's own certificates and apt settings come as build secrets, which leave
# nothing in the image: --secret id=certificates,src=/etc/ssl/certs/ca-certificates.crt
# and --secret id=apt,src=FILE.
ARG BASE=debian:12-slim

# --- the Python environment, made with tools that stay behind
FROM ${BASE} AS environment
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
WORKDIR /opt/korrigo
COPY deploy/install/ deploy/install/
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/99machine \
    sed -n '/^python3-venv/p' deploy/install/debian-run.txt >/tmp/venv.txt \
    && deploy/install/debian.sh /tmp/venv.txt deploy/install/debian-container.txt
COPY pyproject.toml README.md requirements.lock ./
RUN --mount=type=secret,id=certificates,target=/etc/ssl/certs/ca-certificates.crt \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1 \
    deploy/install/python.sh requirements.lock \
    && .venv/bin/python -m compileall -q -j 0 .venv/lib \
    && .venv/bin/python -m pip uninstall --quiet --yes uv setuptools \
    && .venv/bin/python -m pip uninstall --quiet --yes pip
COPY . .
RUN .venv/bin/python -m compileall -q core workbench pages \
    && rm -rf deploy/install requirements.lock

# --- the image
FROM ${BASE}
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
COPY deploy/install/debian.sh deploy/install/find_python.sh deploy/install/debian-run.txt \
    deploy/install/debian-container.txt /tmp/install/
RUN --mount=type=secret,id=apt,target=/etc/apt/apt.conf.d/99machine \
    sed '/^python3-venv/d' /tmp/install/debian-run.txt >/tmp/install/without-venv.txt \
    && /tmp/install/debian.sh /tmp/install/without-venv.txt /tmp/install/debian-container.txt \
    && apt-get clean \
    && rm -rf /tmp/install /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*.log /var/log/apt \
    && groupadd --gid 10001 korrigo \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /tmp \
        --shell /usr/sbin/nologin korrigo \
    && install --directory --mode 0700 --owner korrigo --group korrigo /data
COPY --from=environment /opt/korrigo /opt/korrigo

ARG COMMIT=
LABEL org.opencontainers.image.title="Korrigo" \
    org.opencontainers.image.description="Atelier de correction de copies manuscrites numérisées" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.revision="${COMMIT}"
# The reader of handwriting reports to its vendor unless told not to (docs/decisions/0003).
ENV KORRIGO_HOME=/data \
    KORRIGO_COMMIT=${COMMIT} \
    HOME=/tmp \
    LANG=C.UTF-8 \
    ORT_DISABLE_TELEMETRY=1 \
    PATH=/opt/korrigo/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/korrigo \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /opt/korrigo
USER 10001:10001
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-S", "deploy/image/answers.py", "/api/health/live"]
ENTRYPOINT ["tini", "--", "korrigo"]
CMD ["serve", "--host", "0.0.0.0", "--behind-proxy", "--no-worker"]

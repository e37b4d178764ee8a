# The newest Python for which every requirement has a wheel. Another base needs Python 3.11 or later,
# with pip and venv at build; what is run needs no shell.
# Pin it: --build-arg BASE_DIGEST=sha256:... (deploy/README.md says where to read the digest).
ARG BASE=python:3.14-slim-bookworm
ARG BASE_DIGEST=

FROM ${BASE}${BASE_DIGEST:+@${BASE_DIGEST}} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
COPY requirements/build.txt requirements/auth.txt requirements/
# Two environments, so that what builds the package is not in the image, and neither is pip.
RUN python3 -m venv --without-pip /opt/build \
 && python3 -m venv --without-pip /opt/exporter \
 && python3 -m pip --python /opt/build/bin/python install --no-compile \
      --require-hashes --only-binary :all: -r requirements/build.txt \
 && python3 -m pip --python /opt/exporter/bin/python install --no-compile \
      --require-hashes --only-binary :all: -r requirements/auth.txt
COPY pyproject.toml README.md LICENSE ./
COPY exporter/ exporter/
# For the command `assets`.
COPY deploy/alertmanager deploy/alertmanager
COPY deploy/prometheus deploy/prometheus
COPY deploy/systemd deploy/systemd
COPY deploy/config.example.yml deploy/config.example.yml
COPY deploy/web.example.yml deploy/web.example.yml
COPY grafana/dashboards grafana/dashboards
COPY grafana/provisioning grafana/provisioning
# Byte code that is taken as it is, for the image is never written to.
RUN /opt/build/bin/hatchling build -t wheel -d /wheel \
 && python3 -m pip --python /opt/exporter/bin/python install --no-compile --no-deps --no-index \
      /wheel/*.whl \
 && /opt/exporter/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/exporter/lib

FROM ${BASE}${BASE_DIGEST:+@${BASE_DIGEST}}
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="bitopro-margin-exporter" \
      org.opencontainers.image.description="Prometheus exporter for BitoPro margin accounts" \
      org.opencontainers.image.source="https://github.com/bitopro-margin-exporter/bitopro-margin-exporter" \
      org.opencontainers.image.documentation="https://github.com/bitopro-margin-exporter/bitopro-margin-exporter/blob/main/deploy/README.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/exporter /opt/exporter
ENV PATH=/opt/exporter/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
WORKDIR /
EXPOSE 10061
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["bitopro-margin-exporter", "healthcheck"]
STOPSIGNAL SIGTERM
# Whoever gives arguments of their own repeats the address: inside of a container, the default
# 127.0.0.1 is reached by nobody else.
ENTRYPOINT ["bitopro-margin-exporter"]
CMD ["run", "--web.listen-address=:10061"]

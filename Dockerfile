# Pointsman without any configuration: mount yours at /etc/pointsman.
# .ci/wheel.py walks the same steps without Docker: wheel, locked dependencies, plain user, SIGTERM.

FROM python:3.11-slim AS build
RUN pip install --no-cache-dir 'uv>=0.13,<0.14'
ENV UV_COMPILE_BYTECODE=1
WORKDIR /source
COPY . .
RUN uv build --wheel --out-dir /dist \
    && uv export --frozen --no-dev --extra firehose --no-emit-project --quiet --output-file /dist/requirements.txt \
    && uv venv /opt/pointsman \
    && uv pip install --python /opt/pointsman --require-hashes --requirement /dist/requirements.txt \
    && uv pip install --python /opt/pointsman --no-deps /dist/*.whl

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home pointsman \
    && install --directory --owner pointsman --group pointsman /var/lib/pointsman /etc/pointsman
COPY --from=build /opt/pointsman /opt/pointsman
ENV PATH=/opt/pointsman/bin:$PATH \
    POINTSMAN_HOST=0.0.0.0 \
    POINTSMAN_CONFIG_DIR=/etc/pointsman \
    POINTSMAN_DATA_DIR=/var/lib/pointsman
USER pointsman
WORKDIR /var/lib/pointsman
VOLUME /var/lib/pointsman
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/-/healthy', timeout=2)"]
ENTRYPOINT ["pointsman"]
CMD ["run"]

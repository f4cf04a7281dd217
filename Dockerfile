# One image for the web server, the workers and the heartbeat; compose.yaml says which is which.
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt && /venv/bin/python -m compileall -q /venv

FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 foretally && install -d -o foretally /var/lib/foretally
COPY --from=build /venv /venv
WORKDIR /app
COPY shopify_app shopify_app
COPY ml ml
COPY workers workers
COPY templates templates
COPY migrations migrations
COPY alembic.ini .
USER foretally
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 FORETALLY_VAR=/var/lib/foretally
VOLUME /var/lib/foretally
EXPOSE 8800
HEALTHCHECK --interval=30s --timeout=3s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8800/healthz', timeout=2)"]
CMD ["python", "-m", "shopify_app", "up", "--host", "0.0.0.0"]

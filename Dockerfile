# An image that renders: docker build -t dream-zoom . && docker run --rm -v "$PWD:/films" dream-zoom preset=fractal_zoom
# With an NVIDIA GPU: docker build --build-arg BASE=nvidia/cuda:12.6.3-base-ubuntu24.04 --build-arg TORCH=cu126 -t dream-zoom .
#                     docker run --rm --gpus all -v "$PWD:/films" dream-zoom preset=fractal_zoom quality=hd
ARG BASE=python:3.11-slim
FROM ${BASE}
# Of https://download.pytorch.org/whl/: cpu, cu126, … CUDA's libraries come with torch; the base only needs the driver's.
ARG TORCH=cpu

# A base without Python gets its distribution's. OpenCV is headless and ffmpeg comes with imageio-ffmpeg: no libGL, no X.
RUN python3 -c "import venv, ensurepip" 2>/dev/null \
    || (apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*)
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=1000 XDG_CACHE_HOME=/tmp/cache

WORKDIR /opt/dream-zoom
# First what changes rarely, so that a change of the code does not download torch again.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/${TORCH} torch torchvision
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY conf conf
COPY pipeline pipeline
RUN pip install --no-cache-dir --constraint constraints.txt --editable ".[live]"

# Films and the files that they are made of. Any user may write here: docker run --user "$(id -u):$(id -g)" …
WORKDIR /films
ENTRYPOINT ["python", "-m", "pipeline.render"]

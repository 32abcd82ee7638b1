#!/usr/bin/env bash
# `make image`: build the image and run it, without a container engine's daemon, on Debian as root.
#
# Debian's mmdebstrap makes what stands in for python:3.11-slim-bookworm, with this machine's own
# certificates and pip settings; buildah builds the project's Dockerfile on it, unchanged; and the image
# runs in namespaces of its own as an ordinary user without a capability: doctor, a grading, the server.
#
#   GRADMARK_IMAGE_CACHE    where the base and the layers stay from one time to the next (build/image)
#   GRADMARK_IMAGE_VOLUMES  folders that pip's settings name, as -v options of buildah
set -euo pipefail
cd "$(dirname "$0")/.."
cache=$(realpath -m "${GRADMARK_IMAGE_CACHE:-build/image}")
bin=${BIN:-.venv/bin}
mkdir -p "$cache/base"

say() { printf '\n== %s\n' "$*"; }

say "The files"
"$bin/hadolint" --ignore DL3008 docker/Dockerfile
for file in docker/kubernetes/*.yaml; do "$bin/kubernetes-validate" --strict -k 1.33 "$file"; done
for file in compose.yaml cluster.yaml; do
    POSTGRES_PASSWORD=test RABBITMQ_PASSWORD=test "$bin/podman-compose" -f "docker/$file" config > /dev/null
    echo "docker/$file is a valid compose file"
done
bash -n docker/slurm/graders.sbatch

say "The base"
if [ ! -e "$cache/base/base.tar" ]; then
    mmdebstrap --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip bookworm \
        "$cache/base/draft.tar"
    mv "$cache/base/draft.tar" "$cache/base/base.tar"
fi
cp /etc/ssl/certs/ca-certificates.crt "$cache/base/"
{ cat /etc/pip.conf ~/.config/pip/pip.conf 2>/dev/null || true; } > "$cache/base/pip.conf"
"$bin/python" - "$cache/base/pip.conf" <<'PYTHON'
import configparser, pathlib, sys
file = pathlib.Path(sys.argv[1])
settings = configparser.ConfigParser(strict=False)
settings.read_string(file.read_text())
if not settings.has_section("global"):
    settings.add_section("global")
settings["global"]["break-system-packages"] = "true"  # python.org's image has no such guard
with file.open("w") as target:
    settings.write(target)
PYTHON
cat > "$cache/base/Dockerfile" <<'DOCKERFILE'
FROM scratch
ADD base.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY pip.conf /etc/pip.conf
RUN ln -sf python3 /usr/bin/python
DOCKERFILE
buildah() { command buildah --root "$cache/storage" --runroot "$cache/run" --storage-driver vfs "$@"; }
buildah bud --quiet --isolation chroot -t docker.io/library/python:3.11-slim-bookworm "$cache/base"

say "The image"
# shellcheck disable=SC2086 - several options
buildah bud --quiet --isolation chroot --pull-never --format docker ${GRADMARK_IMAGE_VOLUMES:-} \
    --ignorefile docker/Dockerfile.dockerignore --file docker/Dockerfile -t localhost/gradmark .
container=$(buildah from --pull-never localhost/gradmark)
root=$(buildah mount "$container")
trap 'buildah umount "$container" > /dev/null; buildah rm "$container" > /dev/null' EXIT

run() { docker/contained.sh "$root" "$@"; }

say "gradmark doctor, as an ordinary user without a capability"
run gradmark doctor
say "A grading"
run sh -c 'cd /tmp && gradmark release normalization handout > /dev/null && gradmark grade normalization handout/normalization.py | head -5'
say "The server's health"
run sh -c '
    gradmark serve --port 8765 --data /data > /tmp/log 2>&1 & server=$!
    for _ in $(seq 120); do
        python -c "import urllib.request as r; print(r.urlopen(\"http://127.0.0.1:8765/healthz\").read().decode())" 2>/dev/null && break
        sleep 1
    done
    kill $server; wait $server
    grep -q "Gradmark is at" /tmp/log'
say "The image is built, and works."

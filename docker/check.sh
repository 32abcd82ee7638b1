#!/usr/bin/env bash
# `make image`: build the image and run it, without a container engine's daemon, on Debian as root.
#
# Debian's mmdebstrap makes what stands in for python:3.11-slim-bookworm, with this machine's own
# certificates and pip settings; buildah builds the project's Dockerfile on it, unchanged; and the image
# runs in namespaces of its own, under docker/seccomp.json, as an ordinary user without a capability:
# doctor, a grading, the server.
#
#   GRADMARK_IMAGE_CACHE  where the base and the layers stay from one time to the next (build/image)
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
"$bin/python" docker/seccomp.py /usr/share/containers/seccomp.json | diff - docker/seccomp.json
echo "docker/seccomp.json is the engine's default, widened"

say "The base"
if [ ! -e "$cache/base/base.tar" ]; then
    mmdebstrap --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip bookworm \
        "$cache/base/draft.tar"
    mv "$cache/base/draft.tar" "$cache/base/base.tar"
fi
cp /etc/ssl/certs/ca-certificates.crt "$cache/base/"
# What pip is told on this machine, and the files and folders that it names there.
"$bin/python" - "$cache/base" <<'PYTHON'
import configparser, pathlib, re, sys
base = pathlib.Path(sys.argv[1])
settings = configparser.ConfigParser(strict=False, interpolation=None)
home = pathlib.Path.home()
settings.read(["/etc/xdg/pip/pip.conf", "/etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf"])
if not settings.has_section("global"):
    settings.add_section("global")
settings["global"].pop("cert", None)  # the base has it
named = {
    path
    for section in settings.values()
    for said in section.values()
    for path in re.findall(r"(?:file://)?(/[^\s]+?)(?:/simple)?(?:\s|$)", said)  # what an index offers lies beside it
    if pathlib.Path(path).exists()
}
settings["global"]["break-system-packages"] = "true"  # python.org's image has no such guard
with (base / "pip.conf").open("w") as target:
    settings.write(target)
(base / "volumes").write_text("".join(f"--volume={path}:{path}:ro\n" for path in sorted(named)))
PYTHON
mapfile -t volumes < "$cache/base/volumes"
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
buildah bud --quiet --isolation chroot --pull-never --format docker "${volumes[@]}" \
    --ignorefile docker/Dockerfile.dockerignore --file docker/Dockerfile -t localhost/gradmark .
container=$(buildah from --pull-never localhost/gradmark)
root=$(buildah mount "$container")
trap 'buildah umount "$container" > /dev/null; buildah rm "$container" > /dev/null' EXIT

run() { PYTHONPATH=. "$bin/python" docker/under_seccomp.py docker/seccomp.json docker/contained.sh "$root" "$@"; }

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

#!/usr/bin/env bash
# Runs once, as root, when Gradescope builds the image. Python 3.11 or newer is needed.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
source=/autograder/source

newest() { for python in python3.13 python3.12 python3.11 python3; do
  if command -v "$python" >/dev/null && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$python"; return; fi; done; }

apt-get update -qq
apt-get install -y -qq --no-install-recommends libseccomp2 python3 python3-venv || true
python=$(newest)
if [ -z "$python" ]; then # an image of an older Ubuntu
  apt-get install -y -qq --no-install-recommends software-properties-common
  add-apt-repository -y ppa:deadsnakes/ppa
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends python3.11 python3.11-venv
  python=$(newest)
fi
apt-get clean

"$python" -m venv /opt/gradmark
# PyTorch's CPU build; where its index cannot be reached, what the default index has.
/opt/gradmark/bin/pip install --quiet --no-cache-dir --requirement "$source/requirements.txt" \
  --extra-index-url "${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}" \
|| /opt/gradmark/bin/pip install --quiet --no-cache-dir --requirement "$source/requirements.txt"
cp -r "$source/engine/." "$(/opt/gradmark/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
printf '#!/opt/gradmark/bin/python\nfrom autograder.cli import main\nmain()\n' > /opt/gradmark/bin/gradmark
chmod 755 /opt/gradmark/bin/gradmark

# The reference, the hidden cases' secret and the results are for root alone.
chown -R root:root "$source"
chmod 700 /autograder "$source"

# The full sandbox where the container lets it be built, else the flat profile.
export HOME=/root
/opt/gradmark/bin/gradmark jail /opt/gradmark/jail
if GRADMARK_CONTAINER= /opt/gradmark/bin/gradmark doctor; then
  echo -n > /opt/gradmark/container
else
  echo -n flat > /opt/gradmark/container
  GRADMARK_CONTAINER=flat GRADMARK_JAIL=/opt/gradmark/jail /opt/gradmark/bin/gradmark doctor
fi

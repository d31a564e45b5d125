#!/bin/sh
# Runs a script with a Python that can carry Spool, that of .venv first: 3.11 or newer, and able to
# make a virtual environment.
set -u
new='import sys; sys.exit(sys.version_info < (3, 11))'
able='import sys
from importlib.util import find_spec
sys.exit(sys.version_info < (3, 11) or find_spec("ensurepip") is None)'

if [ -x .venv/bin/python ] && .venv/bin/python -c "$new" >/dev/null 2>&1; then
  exec .venv/bin/python "$@"
fi
for python in python3.13 python3.12 python3.11 python3.14 python3 python; do
  if "$python" -c "$able" >/dev/null 2>&1; then
    exec "$python" "$@"
  fi
done

for python in python3.13 python3.12 python3.11 python3.14 python3; do
  if "$python" -c "$new" >/dev/null 2>&1; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "Python $version is here, but the part that makes virtual environments is not." >&2
    echo "On Debian and Ubuntu: sudo apt install python$version-venv" >&2
    exit 1
  fi
done
found=$(python3 --version 2>/dev/null || echo "no Python 3")
echo "Spool needs Python 3.11 or newer; here is $found." >&2
echo "On Debian and Ubuntu: sudo apt install python3 python3-venv" >&2
exit 1

#!/bin/sh
# Makes what an image of Spool has besides its base, in a stage of its own: see app/Dockerfile.
#
#   fill_image.sh packages api           /opt/spool, with what requirements/api.txt pins
#   fill_image.sh source app/static …    Spool from /srv/spool, without these and what builds it
set -eu

pip='/opt/tools/bin/pip --quiet'
into="$pip --python /opt/spool/bin/python install --no-compile"
what=$1
shift
case $what in
packages)
  $pip install --require-hashes -r requirements/build.txt
  python3 -m venv --without-pip /opt/spool
  $into --require-hashes -r "requirements/$1.txt"
  compiled=/opt/spool/lib
  ;;
source)
  # It stays where it lies, and is installed as that: its version is asked for while it runs.
  /opt/tools/bin/python -c "from hatchling.build import build_editable; build_editable('/tmp')"
  $into --no-deps --no-index /tmp/spool-*.whl
  rm -rf requirements tools README.md app/console app/Dockerfile workers/Dockerfile "$@"
  # Nothing is run here but Python itself.
  find /opt/spool/bin -type f -delete
  compiled=/srv/spool
  ;;
esac
# By content and not by time: nothing can be compiled later, and copying changes times.
/opt/spool/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash "$compiled"

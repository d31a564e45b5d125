#!/bin/sh
# Writes the digests of today's bases into the Dockerfiles and workflows that name them, where
# `name:tag@sha256:…` stands. Asks a registry, by Docker or by Skopeo. Then: make images, and look
# at what the scan says.
set -eu
cd "$(dirname "$0")/.."

digest() {
  if command -v skopeo >/dev/null; then
    skopeo inspect --raw "docker://$1" | sha256sum | cut -d ' ' -f 1
  else
    docker buildx imagetools inspect --format '{{json .Manifest.Digest}}' "$1" |
      tr -d '"' | cut -d : -f 2
  fi
}

files=$(git ls-files '*Dockerfile' '.github/workflows/*.yml')
# shellcheck disable=SC2086  # one word a file; none has a space in its name
names=$(grep -Eho '[a-z0-9./-]+:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64}' $files | cut -d @ -f 1 | sort -u)
for name in $names; do
  new=$(digest "$name")
  case "$new" in
    *[!0-9a-f]* | '') echo "pin_bases: no digest of $name: $new" >&2 && exit 1 ;;
  esac
  # shellcheck disable=SC2086  # as above
  sed -i "s#$name@sha256:[0-9a-f]*#$name@sha256:$new#" $files
  echo "$name@sha256:$new"
done

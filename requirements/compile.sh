#!/usr/bin/env bash
# Pins what the *.in files ask for: hashes, and no word on where packages come from.
set -euo pipefail
cd "$(dirname "$0")"
pin() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
    --no-emit-index-url --no-emit-find-links "$@"
}
for name in runtime infra dev node build checkov; do
  pin "$name.in" --output-file "$name.txt"
done
# Parts of the runtime, for images: the same versions.
for name in api worker; do
  pin "$name.in" --constraint runtime.txt --output-file "$name.txt"
done
pin --no-deps demo.in --output-file demo.txt

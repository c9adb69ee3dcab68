#!/bin/sh
# Fetches onnxruntime-web from the npm registry and keeps the three files of it that the page needs, in ort/ beside this file.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --fetch-retries 1 --pack-destination "$work" onnxruntime-web@1.30.0
tar -xzf "$work"/onnxruntime-web-*.tgz -C "$work"
mkdir -p ort
for file in ort.wasm.min.mjs ort-wasm-simd-threaded.mjs ort-wasm-simd-threaded.wasm; do
  cp "$work/package/dist/$file" ort/
done

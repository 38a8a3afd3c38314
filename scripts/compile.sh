#!/usr/bin/env bash
# Compiles the TypeScript into dist/, and puts the command and all that it imports into a few files: a command that
# opens hundreds takes three times as long to start.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

node node_modules/typescript/bin/tsc -p tsconfig.json
chmod +x dist/src/cli/main.js

# In a folder as deep as that of every module: what they find by their own place, they find from there, too.
rm -rf dist/src/bundle
node node_modules/esbuild/bin/esbuild src/cli/main.ts --bundle --splitting --platform=node --target=node20 \
  --format=esm --external:memcached --log-level=warning --outdir=dist/src/cli \
  --chunk-names=../bundle/[name]-[hash] \
  --banner:js='import { createRequire as toRequire } from "node:module"; const require = toRequire(import.meta.url);'

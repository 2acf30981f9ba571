#!/bin/sh
# Runs Renovate where the helper is on PATH. BITBUCKET_ACCESS_TOKEN_FILE names the file with
# the token: a mounted secret.
set -e
eval "$(git-credential-bitbucket ci-env)"
RENOVATE_CONFIG_FILE=${RENOVATE_CONFIG_FILE:-$(dirname "$0")/config.js}
export RENOVATE_CONFIG_FILE
exec renovate

#!/bin/sh
# The refresh of the development database. Options: --help.
set -eu
environment=dev config=pawl.yaml
. "$(dirname "$0")/refresh.sh"

#!/bin/sh
# The refresh of the production database. Options: --help.
set -eu
environment=prod config=pawl-prod.yaml
. "$(dirname "$0")/refresh.sh"

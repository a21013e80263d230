#!/usr/bin/env bash
# Prints the Python 3.11 to build the environment with; it must be able to make one (venv, ensurepip).
set -u
for python in python3.11 python3; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        command -v "$python"
        exit 0
    fi
done
echo "Korrigo demande Python 3.11 avec venv : sous Debian 12, sudo apt-get install python3 python3-venv." >&2
exit 1

#!/usr/bin/env bash
# Makes .venv hold exactly what a hash-pinned lock says, plus the project itself (editable).
# Usage: python.sh LOCK       from the project's folder
set -euo pipefail
lock=$1
here=$(dirname "$0")
venv=.venv

if ! "$venv/bin/python" -c '' 2>/dev/null; then
    python=$("$here/find_python.sh")
    echo "Création de l'environnement Python dans $venv"
    "$python" -m venv --clear "$venv"
fi

sync_with_uv() {
    "$venv/bin/uv" --version >/dev/null 2>&1 ||
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
            --require-hashes --only-binary :all: -r "$here/bootstrap.lock" || return
    # A school's proxy may sign with a certificate that only the system knows.
    local certificates=()
    [ ! -e /etc/ssl/certs/ca-certificates.crt ] || certificates=(--system-certs)
    UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-120} "$venv/bin/uv" "${certificates[@]}" pip sync --quiet \
        --python "$venv/bin/python" --require-hashes --no-build "$lock"
}

sync_with_pip() {
    echo "uv n'a pas abouti, essai avec pip." >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        --require-hashes --only-binary :all: -r "$lock"
}

echo "Installation des paquets Python ($lock)"
sync_with_uv || sync_with_pip || {
    echo "Les paquets Python n'ont pas pu être installés : vérifiez l'accès au dépôt PyPI ou le proxy, puis relancez." >&2
    exit 1
}
# setuptools comes from the lock: building the project's own link fetches nothing.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index \
    --no-build-isolation --editable .

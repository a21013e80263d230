#!/usr/bin/env bash
# Installs the Debian packages listed in the given files, asking apt only for those that are missing.
# Usage: debian.sh LIST…     each line of a LIST: package  required|optional  command or "-"
#
# A package also counts as present when its command is: Python or node may come from elsewhere.
set -euo pipefail

is_present() { # package, command
    if [ "$1" = python3-venv ]; then
        "$(dirname "$0")/find_python.sh" >/dev/null 2>&1
        return
    fi
    [ "$2" != - ] && PATH="$PATH:/usr/sbin:/sbin" command -v "$2" >/dev/null && return
    command -v dpkg-query >/dev/null &&
        [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

read_missing() {
    missing_required=() missing_optional=()
    while read -r package need command _; do
        case "$package" in '' | '#'*) continue ;; esac
        if ! is_present "$package" "$command"; then
            case "$need" in
            required) missing_required+=("$package") ;;
            optional) missing_optional+=("$package") ;;
            *) echo "$package : « $need » n'est ni required ni optional." >&2 && exit 2 ;;
            esac
        fi
    done < <(cat -- "$@")
}

run_as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

apt_get() {
    run_as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet --yes \
        -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" </dev/null >/dev/null
}

read_missing "$@"
wanted=("${missing_required[@]}" "${missing_optional[@]}")
[ ${#wanted[@]} -gt 0 ] || exit 0

if may_install; then
    echo "Installation des paquets Debian : ${wanted[*]}"
    apt_get update || true # an old list may still do
    apt_get install --no-install-recommends "${wanted[@]}" ||
        for package in "${wanted[@]}"; do # one that cannot be had must not keep the others out
            apt_get install --no-install-recommends "$package" || true
        done
    read_missing "$@"
fi
if [ ${#missing_required[@]} -gt 0 ]; then
    echo "Il manque des paquets Debian indispensables ; installez-les puis relancez :" \
        "sudo apt-get install ${missing_required[*]} ${missing_optional[*]}" >&2
    exit 1
fi
if [ ${#missing_optional[@]} -gt 0 ]; then
    echo "Il manque des paquets Debian facultatifs, on continue sans eux ; pour les ajouter :" \
        "sudo apt-get install ${missing_optional[*]}" >&2
fi

#!/usr/bin/env bash
# Builds the image without a container engine, then proves it by running it: migrate, serve, worker.
# Usage: build.sh            from the project's folder, as root
#
# BASE     an image to start from instead of a bare Debian made here (it is then fetched from its registry)
# MIRROR   the Debian mirror that the bare Debian is made from
set -euo pipefail
here=$(dirname "$0")
work=$PWD/build/image
commit=$(git describe --always --abbrev=12 --exclude='*' --dirty=-modifie 2>/dev/null || echo inconnu)
image=localhost/korrigo:$commit
bare=localhost/korrigo-base:bookworm
certificates=/etc/ssl/certs/ca-certificates.crt

[ "$(id -u)" = 0 ] || { echo "make image demande les droits d'administration : sudo make image" >&2 && exit 1; }

containers() { # buildah with a store of its own, which `make clean` removes
    buildah --storage-driver vfs --root "$work/store" --runroot "$work/run" "$@"
}

make_bare_debian() {
    [ -e "$work/debian.tar" ] || {
        echo "Préparation d'un Debian 12 nu"
        rm -rf "$work/debian" && mkdir -p "$work"
        debootstrap --variant=minbase bookworm "$work/debian" "${MIRROR:-http://deb.debian.org/debian}" \
            >"$work/debootstrap.log" || { tail "$work/debootstrap.log" >&2 && exit 1; }
        mend_sources "$work/debian/etc/apt/sources.list"
        rm -rf "$work/debian/var/cache/apt/archives"/*.deb "$work/debian/var/lib/apt/lists"/*
        tar -C "$work/debian" --one-file-system -cf "$work/debian.tar.part" .
        mv "$work/debian.tar.part" "$work/debian.tar"
        rm -rf "$work/debian"
    }
    containers inspect --type image "$bare" >/dev/null 2>&1 || {
        local empty
        empty=$(containers from scratch)
        containers add --quiet "$empty" "$work/debian.tar" / >/dev/null
        containers config --cmd bash "$empty"
        containers commit --quiet --rm "$empty" "$bare" >/dev/null
    }
}

mend_sources() { # security updates beside the release, as in the published image
    local mirror
    mirror=$(awk '$1 == "deb" { print $2; exit }' "$1")
    printf 'deb %s bookworm%s main\n' "$mirror" '' "$mirror" -updates "${mirror%/debian*}/debian-security" -security >"$1"
}

# Proxies and checks of the machine's apt; sources and everything else stay the image's own.
machine_apt_settings() {
    apt-config dump 2>/dev/null | grep -E '^Acquire::(Check|Retries|http|https)' || true
}

deploy/install/debian.sh deploy/install/debian-image.txt
mkdir -p "$work"
[ -n "${BASE:-}" ] || { make_bare_debian && BASE=$bare; }

# --secret: seen by the steps that ask for it, kept nowhere.
machine_apt_settings >"$work/apt.conf"
secrets=(--secret "id=apt,src=$work/apt.conf")
[ ! -e "$certificates" ] || secrets+=(--secret "id=certificates,src=$certificates")

containers rm --all >/dev/null # left by a run that was cut short
echo "Construction de $image"
started=$SECONDS
# The Docker format: the other one has no place for HEALTHCHECK.
containers bud --quiet --isolation chroot --format docker --layers=false --pull-never \
    --build-arg "BASE=$BASE" --build-arg "COMMIT=$commit" "${secrets[@]}" \
    --tag "$image" --tag localhost/korrigo:latest . >"$work/build.log" 2>&1 ||
    { tail -n 40 "$work/build.log" >&2 && exit 1; }
echo "  construite en $((SECONDS - started)) s"

container=$(containers from --pull-never "$image")
trap 'containers rm "$container" >/dev/null' EXIT
containers rmi --prune >/dev/null # what this image replaces
containers inspect --type image "$image" >"$work/image.json"
unshare --mount --net --propagation private \
    python3 "$here/prove.py" "$work/image.json" "$(containers mount "$container")"

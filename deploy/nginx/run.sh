#!/bin/sh
# Starts nginx in front of the web processes, and follows them when they move or multiply.
# Runs in the nginx container of compose.yaml, and in the tests on Debian's own nginx.
#
# WEB_SERVERS      name:port of the web processes, separated by spaces; a name may have several addresses
# FRONT_PROXIES    networks of a terminator in front, whose X-Forwarded-For and -Proto are believed; default none
# LISTEN           where to listen in clear (8088)
# TLS_CERTIFICATE  certificate chain (PEM): then TLS_LISTEN (8443) serves, and LISTEN sends browsers there
# TLS_KEY          its private key (PEM)
# FOLDER           where what is made here stands (/tmp/nginx)
# LOOK_EVERY_S     seconds between two looks at the names (10)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${FOLDER:-/tmp/nginx}
listen=${LISTEN:-8088}

addresses() { # of all web processes, one "address:port" a line
    for server in ${WEB_SERVERS:-web:8501}; do
        getent ahostsv4 "${server%:*}" | while read -r address _; do
            echo "$address:${server##*:}"
        done
    done | sort -u
}

web() { # the lines of web.conf; a process that fails twice is left out for 5 s
    addresses | while read -r address; do
        echo "server $address max_fails=2 fail_timeout=5s;"
    done
}

front() { # $1: what stands before each network, $2: after it
    for network in ${FRONT_PROXIES:-}; do
        echo "$1$network$2;"
    done
}

server() {
    health='location = /_korrigo/nginx { access_log off; return 204; }'
    if [ -n "${TLS_CERTIFICATE:-}" ]; then
        cat <<END
server {
    listen ${TLS_LISTEN:-8443} ssl http2;
    ssl_certificate $TLS_CERTIFICATE;
    ssl_certificate_key $TLS_KEY;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:10m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;
    include korrigo.conf;
}
server {
    listen $listen;
    $health
    location / { return 308 https://\$host\$request_uri; }
}
END
    else
        cat <<END
server {
    listen $listen;
    $health
    include korrigo.conf;
}
END
    fi
}

run_nginx() {
    nginx -p "$folder/" -c "$folder/nginx.conf" "$@"
}

mkdir -p "$folder"
cp -R "$here/nginx.conf" "$here/korrigo.conf" "$here/pages" "$folder/"
front 'set_real_ip_from ' '' >"$folder/front.conf"
front '' ' 1' >"$folder/front_geo.conf"
server >"$folder/listen.conf"
web >"$folder/web.conf"
while [ ! -s "$folder/web.conf" ]; do # their names are not known yet
    sleep 1
    web >"$folder/web.conf"
done
if [ "${1:-}" = --test ]; then
    run_nginx -q -t
    exit
fi

# Not through the function, which would be a process between the signal and nginx.
nginx -p "$folder/" -c "$folder/nginx.conf" -g 'daemon off;' &
nginx=$!
trap 'kill -QUIT $nginx 2>/dev/null || true' TERM INT QUIT
while kill -0 $nginx 2>/dev/null; do
    # A signal must not wait for the end of a sleep: only the builtin `wait` is cut short by a trap.
    sleep "${LOOK_EVERY_S:-10}" &
    pause=$!
    wait $pause || break
    web >"$folder/web.new"
    if [ -s "$folder/web.new" ] && ! cmp -s "$folder/web.new" "$folder/web.conf"; then
        mv "$folder/web.new" "$folder/web.conf"
        run_nginx -s reload
    fi
done
kill $pause 2>/dev/null || true
wait $nginx

#!/usr/bin/env bash
# What `make demo-im` shows after the build: somebody with an account of an XMPP server, a private
# Prosody on this machine, writes a report from a chat program and is answered. Everything that it
# starts it stops, and the folder goes, unless KEEP=1.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/target/debug:$PATH" NO_COLOR="${NO_COLOR:-}"
[ -n "$NO_COLOR" ] || unset NO_COLOR
# shellcheck source=deploy/demo/lib.sh
. deploy/demo/lib.sh

readonly PASSWORD=only-for-the-demo

# free_port: one of 127.0.0.1 that nobody listens on now.
free_port() {
    .venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# account NAME: one of the server's.
account() {
    printf 'return { ["password"] = "%s" };\n' "$PASSWORD" >"$folder/prosody/data/localhost/accounts/$1.dat"
}

# as_nobody COMMAND...: servers do not like to be root.
as_nobody() {
    if [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid nobody --regid nogroup --clear-groups -- "$@"
    fi
    exec "$@"
}

start_prosody() {
    local at=$folder/prosody
    port=$(free_port)
    mkdir -p "$at/data/localhost/accounts"
    account kentongan
    account pelsa
    cat >"$at/prosody.cfg.lua" <<END
data_path = "$at/data"
pidfile = "$at/prosody.pid"
log = { { levels = { min = "info" }, to = "file", filename = "$at/prosody.log" } }
interfaces = { "127.0.0.1" }
c2s_ports = { $port }
c2s_direct_tls_ports = { }
modules_enabled = { "roster"; "saslauth"; "disco"; "ping"; "smacks"; "offline" }
modules_disabled = { "s2s" }
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
VirtualHost "localhost"
END
    [ "$(id -u)" != 0 ] || chown -R nobody "$at"
    (as_nobody prosody --config "$at/prosody.cfg.lua" -F) >"$at/log" 2>&1 </dev/null &
    others+=($!)
    until_true 30 "Prosody" bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"
}

# The shipped channel, at this server.
channel() {
    mkdir -p "$folder/channels" "$folder/secrets"
    sed -e 's/^account = .*/account = "kentongan@localhost"/' \
        -e "s/^#server = .*/server = \"127.0.0.1:$port\"/" \
        -e 's/^tls = "starttls"/tls = "none"/' daemons/bridge/channels/xmpp.toml >"$folder/channels/xmpp.toml"
    echo "$PASSWORD" >"$folder/secrets/xmpp-password"
}

title "A private XMPP server in $folder: Prosody, with accounts for the installation and for a person"
start_prosody
echo "Prosody listens on 127.0.0.1:$port"

title "Kentongan: a private PostgreSQL, processor, mailer and bridge, people and places for trying out"
channel
export KENTONGAN_BRIDGE__RUN='["xmpp"]'
start_up
until_true 30 "the bridge's connection" grep -q 'bridge .* Connected' "$folder/up.log"
grep 'channel="xmpp"' "$folder/up.log" || true

title "A village reporter has an account, too"
run kentongan people change 081234567890 --add-contact xmpp:pelsa@localhost --reason demo

title "She writes from her chat program, and is answered there"
run .venv/bin/python deploy/demo/person.py "$port" pelsa@localhost "$PASSWORD" kentongan@localhost "U MC,DM SP 4"

title "How the channel does, and what became of the answer"
run kentongan channels list
bin=$(deploy/setup/need.sh postgres | sed 's/.* is in //')
url=$(sed -n 's/^url = "\(.*\)"$/\1/p' "$KENTONGAN_CONFIG")
heard="SELECT count(*) FROM delivery_heard WHERE channel = 'xmpp' AND event = 'delivered'"
is_delivered() { [ "$("$bin/psql" "$url" -XAtc "$heard")" = 1 ]; }
until_true 20 "her program's receipt" is_delivered
run kentongan trace "$("$bin/psql" "$url" -XAtc "SELECT trace FROM delivery WHERE channel = 'xmpp'")"

title "Done in $SECONDS s"
cat <<'END'
How to go on:
  daemons/bridge/channels/xmpp.toml      the channel's file, every key explained
  docs/adding-a-channel.md               how an installation gets one
  target/debug/kentongan channels check  whether a file is sound
END

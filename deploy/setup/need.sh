#!/usr/bin/env bash
# Finds what a target of the Makefile needs, and installs what is missing, saying so first.
#
#   deploy/setup/need.sh WHAT...
#
#   rust      cargo of at least the workspace's rust-version, with rustfmt and clippy
#   cc        a C compiler, for the one library that wants it
#   make      make itself
#   postgres  PostgreSQL 15 or newer with PostGIS, without starting a server of its own
#   venv      .venv with what tests/requirements.txt names (the stand-in for AWS, an XMPP client)
#   smsc      .node with what tests/smsc/package.json names (an SMS gateway), and Node.js for it
#   postfix   Postfix, which brings mails in tests, without a server of its own
#   gammu     gammu-smsd, a modem's daemon with a dummy phone, without a server of its own
#   prosody   Prosody, an XMPP server, without a server of its own
#   systemd   systemd-analyze, which checks units; nothing is booted
#   scripts   shellcheck, which checks our scripts
#   deny      cargo-deny, compiled once into target/tools
#
# Packages come by apt (Debian 12, Ubuntu 24.04), as root or by sudo, with one `apt-get update`.
# Elsewhere it says what to install by hand.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly DENY_VERSION=0.20.2
updated=""
words=$(mktemp)
trap 'rm -f "$words"' EXIT

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        fail "this wants root and there is no sudo; run as root: $*"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@" || fail "sudo wants a password and there is no terminal; run as root: $*"
    fi
}

# apt_get ARG...: quiet when it works, with all its words when it does not.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" >"$words" 2>&1 </dev/null || {
        cat "$words" >&2
        return 1
    }
}

# apt_update: refreshes the package lists, once.
apt_update() {
    command -v apt-get >/dev/null || fail "there is no apt here; install by hand: $*"
    if [ -z "$updated" ]; then
        say "refreshing apt's package lists"
        apt_get update || say "apt-get update failed; going on with the old lists"
        updated=yes
    fi
}

apt_install() {
    apt_update "$@"
    say "installing by apt: $*"
    apt_get install --no-install-recommends "$@" ||
        fail "apt-get could not install $*; its words stand above"
}

need_cc() {
    command -v cc >/dev/null || apt_install build-essential
}

need_make() {
    command -v make >/dev/null || apt_install make
}

need_rust() {
    # shellcheck source=/dev/null
    command -v cargo >/dev/null || { [ -f ~/.cargo/env ] && . ~/.cargo/env; } || true
    command -v cargo >/dev/null ||
        fail "there is no cargo: install Rust from https://rustup.rs, open a new shell, try again"
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    found=$(cargo --version | cut -d' ' -f2)
    [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -1)" = "$wanted" ] ||
        fail "cargo is $found and Kentongan wants $wanted or newer: rustup update stable"
    local part
    for part in fmt clippy; do
        cargo "$part" --version >/dev/null 2>&1 && continue
        command -v rustup >/dev/null || fail "cargo $part is missing and there is no rustup"
        say "installing by rustup: $part"
        rustup --quiet component add "${part/fmt/rustfmt}"
    done
}

# postgres_bin: folder of the newest PostgreSQL >= 15 that has PostGIS beside it.
postgres_bin() {
    local bin version share
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(pg_config --bindir 2>/dev/null || true)"; do
        if ! [ -x "$bin/initdb" ] || ! [ -x "$bin/postgres" ]; then continue; fi
        version=$("$bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
        [ "$version" -ge 15 ] || continue
        share=/usr/share/postgresql/$version
        [ -d "$share" ] || share=$(pg_config --sharedir)
        [ -f "$share/extension/postgis.control" ] || continue
        echo "$bin"
        return 0
    done
    return 1
}

# postgres_version: the installed server that lacks PostGIS, else the newest that apt has.
postgres_version() {
    local version
    for version in 18 17 16 15; do
        [ -x "/usr/lib/postgresql/$version/bin/postgres" ] && echo "$version" && return 0
    done
    for version in 18 17 16 15; do
        apt-cache show "postgresql-$version-postgis-3" >/dev/null 2>&1 && echo "$version" && return 0
    done
    return 1
}

need_postgres() {
    local bin version
    if ! bin=$(postgres_bin); then
        apt_update "PostgreSQL 15 or newer, PostGIS 3"
        version=$(postgres_version) || fail "apt has no PostgreSQL 15 or newer with PostGIS"
        install_postgres "$version"
        bin=$(postgres_bin) || fail "PostgreSQL was installed, but PostGIS cannot be found"
    fi
    say "PostgreSQL with PostGIS is in $bin"
}

# install_postgres VERSION: Debian's package makes a cluster and starts it on port 5432. Nobody
# asked for that, so while we install the first server here that is switched off.
install_postgres() {
    local folder=/etc/postgresql-common/createcluster.d
    local file=$folder/kentongan-setup.conf
    if [ -x "/usr/lib/postgresql/$1/bin/postgres" ]; then
        apt_install "postgresql-$1-postgis-3"
        return
    fi
    say "PostgreSQL $1 will be installed without a server that starts by itself"
    as_root mkdir -p "$folder"
    echo "create_main_cluster = false" | as_root tee "$file" >/dev/null
    local rc=0
    (apt_install "postgresql-$1" "postgresql-$1-postgis-3") || rc=$?
    as_root rm -f "$file"
    return "$rc"
}

# a_python: one of at least 3.10 that can make a virtual environment with pip in it.
a_python() {
    local python
    for python in "${PYTHON:-}" python3 /usr/bin/python3; do
        if "${python:-false}" -c '
import sys, venv, ensurepip
sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
            echo "$python"
            return 0
        fi
    done
    return 1
}

need_venv() {
    local wanted=tests/requirements.txt stamp=.venv/requirements.txt python
    [ -f "$wanted" ] || fail "$wanted is missing: is this the whole project?"
    if [ -x .venv/bin/python ] && cmp -s "$wanted" "$stamp" && .venv/bin/python -c ''; then
        say "the stand-in for AWS is in .venv"
        return
    fi
    if ! python=$(a_python); then
        apt_install python3 python3-venv
        python=$(a_python) || fail "no Python of 3.10 or newer makes virtual environments" \
            "name one: make test PYTHON=/path/to/python3"
    fi
    say "making .venv with $("$python" --version) and what $wanted names (some 30 seconds)"
    rm -rf .venv
    "$python" -m venv .venv || fail "$python could not make .venv; its words stand above"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$wanted" ||
        fail "pip could not install $wanted; its words stand above" \
            "behind a proxy, set HTTPS_PROXY and PIP_INDEX_URL and try again"
    cp "$wanted" "$stamp"
}

# need_smsc: as npm's lock file pins it.
need_smsc() {
    local wanted=tests/smsc/package-lock.json stamp=.node/installed.json
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        apt_install nodejs npm
    fi
    # Certificates for a gateway with TLS.
    command -v openssl >/dev/null || apt_install openssl
    if [ -d .node/node_modules/smpp ] && cmp -s "$wanted" "$stamp"; then
        say "the SMS gateway is in .node"
        return
    fi
    say "making .node with $(node --version) and what $wanted names"
    rm -rf .node
    mkdir .node
    cp tests/smsc/package.json "$wanted" .node/
    (cd .node && npm ci --silent --no-audit --no-fund) ||
        fail "npm could not install $wanted; its words stand above" \
            "behind a proxy, set HTTPS_PROXY and npm_config_registry and try again"
    cp "$wanted" "$stamp"
}

# without_start PACKAGE...: packages whose daemons nobody asked for. What a package starts is asked of
# this file (Debian policy, 9.11); one that stands there already decides for itself.
without_start() {
    local file=/usr/sbin/policy-rc.d rc=0
    if [ -e "$file" ]; then
        apt_install "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$file" >/dev/null
    as_root chmod 755 "$file"
    (apt_install "$@") || rc=$?
    as_root rm -f "$file"
    [ "$rc" = 0 ] || exit "$rc"
}

# system_program NAME: is it there? Programs of /usr/sbin are not on everybody's path.
system_program() {
    PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null
}

need_prosody() {
    if ! system_program prosody; then
        say "Prosody will be installed without a server that starts"
        without_start prosody
        if [ -d /run/systemd/system ]; then
            as_root systemctl disable --quiet --now prosody
        fi
    fi
    command -v openssl >/dev/null || apt_install openssl
    say "Prosody is here"
}

need_postfix() {
    if ! system_program postfix || ! system_program smtp-source; then
        say "Postfix will be installed without a configuration and without a server that starts"
        apt_update postfix
        echo "postfix postfix/main_mailer_type select No configuration" | as_root debconf-set-selections
        without_start postfix
        if [ -d /run/systemd/system ]; then
            as_root systemctl disable --quiet --now postfix
        fi
    fi
    say "Postfix is here"
}

need_gammu() {
    if ! system_program gammu-smsd; then
        without_start gammu-smsd
        if [ -d /run/systemd/system ]; then
            as_root systemctl disable --quiet --now gammu-smsd
        fi
    fi
    say "gammu-smsd is here"
}

need_systemd() {
    command -v systemd-analyze >/dev/null || apt_install systemd
}

need_scripts() {
    command -v shellcheck >/dev/null || apt_install shellcheck
}

# need_tool CRATE VERSION WHY
need_tool() {
    [ -x "target/tools/bin/$1" ] || command -v "$1" >/dev/null || {
        say "compiling $1 $2 into target/tools, once, a few minutes: $3"
        cargo install --quiet --locked "$1" --version "$2" --root target/tools
    }
}

[ $# -gt 0 ] || fail "what is needed? rust cc make postgres venv postfix gammu smsc prosody systemd scripts deny"
for what in "$@"; do
    case $what in
        rust | cc | make | postgres | venv | postfix | gammu | smsc | prosody | systemd | scripts) "need_$what" ;;
        deny) need_tool cargo-deny "$DENY_VERSION" "it checks licences and origins of libraries" ;;
        *) fail "\"$what\" is not known; see the head of $0" ;;
    esac
done

#!/usr/bin/env bash
# What `make install` runs: puts what `make release` built, with units, samples and documents, below
# a folder (DESTDIR, empty for this machine) and a prefix (/usr). Starts and enables nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
to=${1:-}
prefix=${2:-/usr}

for program in kentongan kentongan-processor kentongan-mailer kentongan-bridge; do
    [ -x "target/release/$program" ] || { echo "install: first: make release" >&2; exit 1; }
    install -D -m 755 "target/release/$program" "$to$prefix/bin/$program"
done
units=$to/usr/lib/systemd/system
install -d "$units"
install -m 644 systemd/*.service systemd/*.target "$units"
for folder in systemd/*.d; do
    install -D -m 644 -t "$units/${folder#systemd/}" "$folder"/*.conf
done
[ "$prefix" = /usr ] || sed -i "s|^ExecStart=/usr/|ExecStart=$prefix/|" "$units"/kentongan-*.service
install -D -m 644 systemd/kentongan.sysusers "$to/usr/lib/sysusers.d/kentongan.conf"
install -D -m 644 systemd/kentongan.tmpfiles "$to/usr/lib/tmpfiles.d/kentongan.conf"
share=$to$prefix/share/doc/kentongan
install -d "$share"
install -m 644 README.md CHANGELOG.md LICENSE* docs/*.md "$share"
cp -R docs/cards "$share"
# The font is inside the programs; its licence wants to go with it.
install -m 644 common/documents/fonts/OFL.txt "$share/Noto-Sans-OFL.txt"
cp -R deploy/config deploy/postfix deploy/aws systemd/optional "$share"
echo "install: done; go on with \"On one machine\" or \"On AWS\" in $prefix/share/doc/kentongan/OPERATIONS.md"

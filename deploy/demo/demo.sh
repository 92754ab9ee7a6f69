#!/usr/bin/env bash
# What `make demo` shows after the build: the one-box home in a private folder, with a database of its
# own; mails and texts go in, the answers, an alert and the row in PostgreSQL come out. Everything
# that it starts it stops, and the folder goes, unless KEEP=1.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/target/debug:$PATH" NO_COLOR="${NO_COLOR:-}"
[ -n "$NO_COLOR" ] || unset NO_COLOR

# shellcheck source=deploy/demo/lib.sh
. deploy/demo/lib.sh

# mail_to ADDRESS [MESSAGE-ID]: the file of a mail that went out, perhaps as the answer to another.
mail_to() {
    local file
    for file in "$folder"/mails/new/*.eml; do
        grep -qis "^To: .*$1" "$file" || continue
        [ -z "${2:-}" ] || grep -qisF "$2" "$file" || continue
        echo "$file"
        return 0
    done
    return 1
}

show() { perl deploy/demo/show-mail.pl "$1"; }

answered_mail() {
    local file=$1 from id
    from=$(sed -n 's/^From: .*<\(.*\)>\r*$/\1/p' "$file")
    id=$(sed -n 's/^Message-I[Dd]: <\(.*\)>\r*$/\1/p' "$file")
    title "A mail: $file"
    show "$file"
    run kentongan submit mail --to lapor@kentongan.example --from "$from" <"$file"
    until_true 20 "the answer to $file" mail_to "$from" "$id"
    echo "${bold}answered:${plain}"
    show "$(mail_to "$from" "$id")"
}

title "Kentongan in $folder: a private PostgreSQL, the daemons, people and places for trying out"
start_up

title "Texts: a report from the village, a slip of the finger, a question"
run kentongan send text --from 081234567890 "U MC,DM SP 5"
run kentongan send text --from 081234567890 "U MC SPI 4"
run kentongan send text --from 081234567890 "CKL tanjung tengah"
run kentongan send text --from 081234567894 "LAPD 72060202"

title "The alerts that this report sent to the vets and paravets of the place, on their phones"
run kentongan console

for mail in tests/mails/[123]-*.eml; do answered_mail "$mail"; done

title "A mail that does not prove who sent it: held, and the registered person is asked"
show tests/mails/4-without-proof.eml
run kentongan submit mail --to lapor@kentongan.example --from vet@example.org <tests/mails/4-without-proof.eml
until_true 20 "the question" mail_to vet@example.org "Subject: Benarkah"
question=$(mail_to vet@example.org "Subject: Benarkah")
show "$question"

title "The vet answers it, and the held mail is carried out"
reference=$(tr -d '\r' <"$question" | sed -n 's/^Message-ID: <\(.*\)>$/\1/p')
references=$(tr -d '\r' <"$question" | sed -n '/^References:/,/^[A-Z]/{s/^References: //;/^[ <]/p}' | tr '\n' ' ')
printf '%s\n' "From: Vet Demo <vet@example.org>" "To: lapor@kentongan.example" \
    "Subject: Re: Benarkah surel ini dari Anda?" "Date: Fri, 20 Nov 2026 11:00:00 +0700" \
    "Message-ID: <yes-it-was-me@example.org>" "In-Reply-To: <$reference>" \
    "References: $references<$reference>" "" "Ya, dari saya." >"$folder/yes.eml"
run kentongan submit mail --to lapor@kentongan.example --from vet@example.org <"$folder/yes.eml"
until_true 20 "the answer" mail_to vet@example.org yes-it-was-me@example.org
show "$(mail_to vet@example.org yes-it-was-me@example.org)"

title "What PostgreSQL holds"
bin=$(deploy/setup/need.sh postgres | sed 's/.* is in //')
url=$(sed -n 's/^url = "\(.*\)"$/\1/p' "$KENTONGAN_CONFIG")
run "$bin/psql" "$url" -X -P pager=off -c 'SELECT case_id, sent_at, sign, species, number, diagnosis, message_id FROM data_u'

title "Done in $SECONDS s"
cat <<'END'
How to go on:
  target/debug/kentongan up --load demo   the same, and it stays: Ctrl-C stops it
  target/debug/kentongan console          what waits for people's phones, such as alerts
  target/debug/kentongan trace ID         every hop of one message
  README.md, docs/OPERATIONS.md           what is what, and how to run it for real
END

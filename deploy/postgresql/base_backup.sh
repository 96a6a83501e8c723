#!/bin/sh
# '/…/base_backup.sh ARCHIVE DAYS', each night, as the server's user: makes a base backup in
# ARCHIVE/base and checks it, then removes those, and the WAL, from which nobody need recover who
# wants any moment of the last DAYS.
# Names in there are its own: the times from which each can be recovered from.
# shellcheck disable=SC2012
set -eu
archive=$1 days=$2
# One that was broken off is none to recover from.
rm -rf "$archive/base/unfinished"
pg_basebackup --username="${PGUSER:-backup}" --no-password --checkpoint=fast --wal-method=stream \
  --pgdata="$archive/base/unfinished"
pg_verifybackup --quiet "$archive/base/unfinished"
mv "$archive/base/unfinished" "$archive/base/$(date -u +%Y%m%d-%H%M%S)"
# Recovery to the beginning of that time starts with the newest base backup from before it.
since=$(date -u -d "$days days ago" +%Y%m%d-%H%M%S)
names=$({ ls "$archive/base"; echo "$since"; } | sort)
first=$(echo "$names" | grep -x -B 1 "$since" | head -n 1)
echo "$names" | sed "/^$first\$/,\$d" | while read -r name; do rm -r "$archive/base/$name"; done
oldest=$archive/base/$(ls "$archive/base" | head -n 1)
needed=$(sed -n 's/^START WAL LOCATION: .*(file \(.*\))$/\1/p' "$oldest/backup_label")
pg_archivecleanup -x .gz "$archive/wal" "$needed"

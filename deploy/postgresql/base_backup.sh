#!/bin/sh
# '/…/base_backup.sh ARCHIVE COUNT', each night, as the server's user: makes a base backup in
# ARCHIVE/base and checks it, then removes all but the last COUNT, and the WAL that none of them needs.
# Names in there are its own, dates alone.
# shellcheck disable=SC2012
set -eu
archive=$1 count=$2
base=$archive/base/$(date -u +%Y%m%d-%H%M%S)
# One that was broken off is none to recover from.
rm -rf "$archive/base/unfinished"
pg_basebackup --username="${PGUSER:-backup}" --no-password --checkpoint=fast --wal-method=stream \
  --pgdata="$archive/base/unfinished"
pg_verifybackup --quiet "$archive/base/unfinished"
mv "$archive/base/unfinished" "$base"
ls -d "$archive"/base/* | head -n "-$count" | xargs -r rm -r
oldest=$(ls -d "$archive"/base/* | head -n 1)
needed=$(sed -n 's/^START WAL LOCATION: .*(file \(.*\))$/\1/p' "$oldest/backup_label")
pg_archivecleanup -x .gz "$archive/wal" "$needed"

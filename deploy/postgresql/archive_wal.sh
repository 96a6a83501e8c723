#!/bin/sh
# PostgreSQL's archive_command: '/…/archive_wal.sh %p /archive/wal/%f'
# Copies a finished WAL file, compressed, wholly or not at all. A file that is there already is right
# when it is the same one: after a crash the server may hand it over again.
set -eu
if [ -e "$2.gz" ]; then
  gunzip -c "$2.gz" | cmp -s - "$1"
  exit
fi
gzip -1 < "$1" > "$2.part"
sync "$2.part"
mv "$2.part" "$2.gz"

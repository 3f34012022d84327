#!/bin/sh
# restore_command: from-archive.sh FILE TO. A server that starts, follows or is promoted asks mostly for what is not there, several times, and each pgbackrest
# is a tenth of a second, more on a busy machine, in which nobody can write. Where the repository is a directory, a look tells.
repository=/backups/archive/$PGBACKREST_STANZA
if [ -d "$repository" ]; then
  segments=$(printf %.16s "$1")
  case $1 in
    *.history) set -- "$1" "$2" "$repository"/*/"$1" ;;
    *.backup) set -- "$1" "$2" "$repository"/*/"$segments/$1" ;;
    *) set -- "$1" "$2" "$repository"/*/"$segments/$1"-* ;;
  esac
  [ -e "$3" ] || exit 1
fi
exec pgbackrest archive-get "$1" "$2"

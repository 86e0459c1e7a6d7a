#!/bin/sh
# Runs `lorchestra` with the arguments given, for schedulers that know success and failure alone.
# Exit code 3 (all that can be read was stored, records were rejected for the first time) counts as success here; take it
# out of the last line to be told. A run that read nothing does not, whatever was in its way.
# A container's first process gets no signals that it does not ask for; one may come before there is a run to tell.
run='' early=''
trap 'if [ -n "$run" ]; then kill -TERM "$run" 2> /dev/null; else early=1; fi' TERM INT
lorchestra "$@" &
run=$!
[ -z "$early" ] || kill -TERM "$run"
code=0
wait "$run" || code=$?
# A signal ends the wait, not the run: it still stores what it finished.
while kill -0 "$run" 2> /dev/null; do
  code=0
  wait "$run" || code=$?
done
case $code in 3) exit 0 ;; *) exit "$code" ;; esac

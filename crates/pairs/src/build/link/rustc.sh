#!/bin/sh
# Cargo's wrapper of the compiler for the crates of a workspace: what they link goes through `linker.sh` beside this file.
PLIMSOLL_LINKER=cc
for argument; do
    case $argument in
    linker=*) PLIMSOLL_LINKER=${argument#linker=} ;;
    -Clinker=*) PLIMSOLL_LINKER=${argument#-Clinker=} ;;
    esac
done
export PLIMSOLL_LINKER
exec "$@" -C "linker=${0%/*}/linker.sh"

#!/bin/sh
# Links as it is told. Then keeps, in the folder PLIMSOLL_LINKS, what a program was linked from, so that it can be linked
# again when Cargo and the compiler have cleared it away: a folder of the program's name with `linker`, `arguments` (one
# ended by each zero byte), and the objects and libraries that they name. What cannot be kept is no reason to fail.
"$PLIMSOLL_LINKER" "$@" || exit
[ -n "$PLIMSOLL_LINKS" ] || exit 0

program=
previous=
for argument; do
    [ "$previous" = -o ] && program=$argument
    previous=$argument
done
case $program in
'' | *.so | */build_script_*) exit 0 ;;
esac

kept=$PLIMSOLL_LINKS/${program##*/}
rm -rf "$kept"
mkdir -p "$kept" || exit 0
number=0
for argument; do
    case $argument in
    *.o | *.rlib)
        number=$((number + 1))
        copy=$number.${argument##*.}
        # Libraries are replaced and never written to, so a second name keeps the old one; objects may be overwritten.
        case $argument in
        *.rlib) ln "$argument" "$kept/$copy" 2>/dev/null || cp "$argument" "$kept/$copy" ;;
        *) cp "$argument" "$kept/$copy" ;;
        esac && argument=$copy
        ;;
    esac
    printf '%s\000' "$argument"
done >"$kept/arguments"
printf '%s' "$PLIMSOLL_LINKER" >"$kept/linker"
exit 0

#!/usr/bin/env bash
# Checks the models of model/variants with spin, all or the named ones; prints a line for each and a sum.
#   model/check.sh [--list] [--trace] [NAME...]
# A model that must hold has to be searched to its end; one that must fail has to show a counter-example, which --trace prints.
set -euo pipefail
cd "$(dirname "$0")"

unfinished='max search depth too small|out of memory|reached -DMEMLIM limit|pan:[0-9]+: .*'
trace=false
mapfile -t variants < <(grep -v '^#' variants)
case ${1:-} in
  --list) printf '%s\n' "${variants[@]}" | awk '{ print $1 }'; exit ;;
  --trace) trace=true; shift ;;
esac
for tool in spin gcc; do
  command -v "$tool" >/dev/null || { echo "check.sh: $tool is missing: run eng/packages.sh model" >&2; exit 2; }
done

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp ./*.pml "$folder"
cd "$folder"

# Says "holds", "fails", or what kept it from being searched to the end. The verifier's words are left in verifier.log.
#   judge MODEL [-DWORD...]
judge() {
  rm -f ./*.trail
  spin "${@:2}" -a "$1.pml" >spin.log 2>&1 || { cat spin.log >&2; echo "is not Promela"; return; }
  gcc -O2 -w -DSAFETY -DMEMLIM=4096 -o verifier pan.c
  ./verifier -m1000000 >verifier.log 2>&1 || true
  if grep -q 'assertion violated' verifier.log; then
    echo fails
  elif grep -qE "$unfinished" verifier.log; then
    echo "was not searched to the end: $(grep -m1 -oE "$unfinished" verifier.log)"
  elif grep -q 'errors: 0$' verifier.log; then
    echo holds
  else
    echo "ended without a result: $(tail -1 verifier.log)"
  fi
}

right=0 wrong=0 asked=("$@")
for line in "${variants[@]}"; do
  read -r name expected model words <<<"$line"
  ((${#asked[@]} == 0)) || [[ " ${asked[*]} " == *" $name "* ]] || continue
  read -ra options < <(grep -oE '^[A-Z_=]+( [A-Z_=]+)*' <<<"$words") || true # some have none
  shows=$(sed -E 's/^[A-Z_=]+( [A-Z_=]+)* +//' <<<"$words")
  SECONDS=0
  found=$(judge "$model" "${options[@]/#/-D}")
  states=$(awk '/states, stored/ { print $1 }' verifier.log)
  if [[ $found == "$expected" ]]; then
    right=$((right + 1)) mark=ok
  else
    wrong=$((wrong + 1)) mark=WRONG
  fi
  printf '%-5s %-21s %s (%s states, %d s): %s\n' "$mark" "$name" "$found" "${states:-0}" "$SECONDS" "$shows"
  if $trace && [[ $found == fails ]]; then
    spin "${options[@]/#/-D}" -t -p -g "$model.pml" || true
  fi
done

((right + wrong > 0)) || { echo "check.sh: no model is named ${asked[*]}; model/check.sh --list names them" >&2; exit 2; }
echo "$right of $((right + wrong)) models as expected"
((wrong == 0))

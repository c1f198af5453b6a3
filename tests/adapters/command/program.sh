#!/bin/sh
# Trains nothing, and does as it is told: program.sh ACT X SEED EPOCHS [FILE]
act=$1 x=$2 seed=$3 epochs=$4 file=$5

row() { printf '{"epoch": %d, "val_loss": 0.%d, "train_loss": %s}\n' "$1" $((1000 + $1 * 100 + x * 10 + seed)) "${2:-0.5}"; }
rows() { epoch=$1; while [ "$epoch" -le "$2" ]; do row "$epoch"; epoch=$((epoch + 1)); done; }

if [ -n "$LOG" ]; then echo "$x $seed $epochs" >> "$LOG"; fi
if [ -n "$MENDED" ] && [ -e "$MENDED" ]; then act=train; fi
case $act in
    train) rows 1 "$epochs" ;;
    file) echo "for people"; rows 1 "$epochs" > "$file" ;;
    late) echo "for people"; sleep 0.1; rows 1 1 > "$file"; sleep 0.1; rows 2 "$epochs" >> "$file" ;;
    words) echo "loading data"; rows 1 "$epochs" ;;
    list) echo "[1, 2]" ;;
    half) row 1; printf '{"epoch": 2, "val_lo' ;;
    open) row 1; printf '{"epoch": 2, "val_loss": 0.5, "train_loss": 0.5}' ;;
    cut) row 1; printf '{"epoch": 2, "val_lo'; kill -KILL $$ ;;
    twice) echo '{"val_loss": 1, "val_loss": 2}' ;;
    nan) row 1 NaN; row 2 ;;
    null) row 1 null; row 2 ;;
    lower) row 1 -nan; row 2 ;;
    skip) row 1; row 3 ;;
    silent) ;;
    fewer) rows 1 1 ;;
    more) rows 1 $((epochs + 1)) ;;
    fail) rows 1 1; echo "Traceback:" >&2; echo "ValueError: x is $x" >&2; exit 3 ;;
    never) exit 4 ;;
    signal) rows 1 1; kill -SEGV $$ ;;
    late-fail) rows 1 "$epochs"; echo "no room to save" >&2; exit 1 ;;
    flood) head -c 70000000 /dev/zero | tr '\0' x ;;
    names) row 1; echo '{"epoch": 2, "val_acc": 0.5}' ;;
    text) echo '{"val_loss": "0.5"}' ;;
    endless) epoch=1; while :; do row "$epoch"; epoch=$((epoch + 1)); done ;;
    hang) row 1; sleep 1000 ;;
    child) sleep 1000 & echo "{\"child\": $!, \"val_loss\": 1}"; wait ;;
    orphan) sleep 1000 & rows 1 "$epochs" ;;
    deaf) trap "" TERM; row 1; while :; do sleep 1; done ;;
    polite) trap 'echo bye > "$file"; exit' TERM; row 1; while :; do sleep 0.05; done ;;
    chance) x=$$; rows 1 "$epochs" ;;
    classes) echo '{"val_accuracy": 0.67, "predictions": {"val": [0, 2, 2], "test": [1, 1]}}' ;;
    environment) env > "$file"; rows 1 "$epochs" ;;
esac

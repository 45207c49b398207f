#!/usr/bin/env bash
# make_samples.sh FOLDER: writes assets/samples/published_layers.decodescope from the three kernel lists published with
# sglang #24125 (seed_layer_*.json in FOLDER). Needed only when the store's schema or the kernel rules changed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
from=$(cd "${1:?the folder with seed_layer_*.json}" && pwd)
db=$(mktemp -u --suffix .db); trap 'rm -f "$db" "$db-wal" "$db-shm"' EXIT
program=$root/build/release/decodescope-record
cd "$from"   # runs keep the path of their file as it was given: the name alone says enough
add() { "$program" import "$1" --name "$2" --note "$3" --tags published --db "$db" --json | grep -o '"runs":\[[0-9]*\]' | grep -o '[0-9]*'; }
layer="one decode layer of GLM-5.1-FP8, TP 8, batch 4"
a=$(add seed_layer_mi355x_single_rocm72.json "MI355X, one stream" "$layer, 8k/1k, ROCm 7.2, one stream. Kernel list published with sglang #24125; times as its collector gave them, rounded to the nanosecond.")
b=$(add seed_layer_mi355x_dual_rocm72.json "MI355X, two streams (HIP graph)" "$layer, 8k/1k, ROCm 7.2, two streams in a HIP graph. Published with sglang #24125. It also differs from the one-stream layer in cat_skip and in its unfused shared expert.")
c=$(add seed_layer_b200_dual_cuda_graph.json "B200, CUDA graph" "$layer, about 1k context, CUDA graph with four streams, RoPE in many small PyTorch kernels. Published with sglang #24125; not a tuned reference.")
mkdir -p "$root/assets/samples"
"$program" export "$a" "$b" "$c" --to "$root/assets/samples/published_layers.decodescope" --db "$db"

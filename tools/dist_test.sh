#!/usr/bin/env bash
# Test with several processes: dist_test.sh CONFIG CHECKPOINT PROCESSES [arguments of test.py]
# Settings by environment: NNODES, NODE_RANK, MASTER_ADDR, PORT, PYTHON.
set -euo pipefail

if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT PROCESSES [arguments of test.py]" >&2
    exit 2
fi
config=$1
checkpoint=$2
processes=$3
shift 3
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$processes" \
    "$root/tools/test.py" "$config" "$checkpoint" --launcher pytorch "$@"

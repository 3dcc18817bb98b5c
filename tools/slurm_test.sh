#!/usr/bin/env bash
# Test on a Slurm cluster: slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of test.py]
# Settings by environment: GPUS, GPUS_PER_NODE, CPUS_PER_TASK, SRUN_ARGS, PYTHON.
set -euo pipefail

if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of test.py]" >&2
    exit 2
fi
partition=$1
job_name=$2
config=$3
checkpoint=$4
shift 4
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
read -r -a srun_args <<<"${SRUN_ARGS:-}"

export PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
exec srun --partition="$partition" \
    --job-name="$job_name" \
    --gres="gpu:${GPUS_PER_NODE:-4}" \
    --ntasks="${GPUS:-4}" \
    --ntasks-per-node="${GPUS_PER_NODE:-4}" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    "${srun_args[@]}" \
    "${PYTHON:-python}" -u "$root/tools/test.py" "$config" "$checkpoint" --launcher slurm "$@"

#!/usr/bin/env bash
# Pack what a machine with a GPU, PyTorch and no network lacks for `benchmarks.gpu`, as wheels in a folder.
#
#     benchmarks/carry.sh FOLDER [--bare]     here, where packages can be fetched
#     python3 -m pip install --no-index --no-deps --target SITE FOLDER/*.whl; export PYTHONPATH=SITE     there
#
# That is Ray, Optuna, jsonschema and what they need, for Python 3.12 (PYTHON_VERSION=3.11 is another); with --bare also
# PyYAML, pytest, click and the like, which images with PyTorch mostly have. Libraries that are large (pandas, SciPy,
# pyarrow) are left to the image: `benchmarks.gpu` says what is missing. Of Ray a study needs no dashboard client, no jars, no C++ and
# none of rllib, serve and llm: without them, and packed as tightly as wheels allow, it takes less than half. Packing takes
# a minute. More than 64 MiB in all are an error.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2; }
folder=$1 bare=${2:-} python=${PYTHON_VERSION:-3.12}
here=$(cd "$(dirname "$0")/.." && pwd)
most=64
names="ray optuna alembic Mako colorlog SQLAlchemy plotly platformdirs jsonschema jsonschema-specifications referencing rpds-py
    pydantic pydantic_core annotated-types typing-inspection"
[ "$bare" != --bare ] || names="$names attrs PyYAML pytest pluggy iniconfig packaging Pygments narwhals tabulate click
    rich markdown-it-py mdurl msgpack protobuf filelock requests idna charset-normalizer urllib3 certifi tqdm"
mkdir -p "$folder"
rm -f "$folder"/*.whl
wanted=()
for name in $names; do
    pinned=$(grep -i "^$name==" "$here/constraints.txt" || true)
    wanted+=("${pinned:-$name}")
done
platforms=(--platform manylinux2014_x86_64 --platform manylinux1_x86_64)
for number in 28 27 17; do platforms+=(--platform "manylinux_2_${number}_x86_64"); done
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --implementation cp \
    --python-version "$python" "${platforms[@]}" --dest "$folder" "${wanted[@]}"
python3 - "$folder" <<'PYTHON'
"""Leave out of Ray's wheel what a study does not need; its record names what is left."""
import sys
import zipfile
from pathlib import Path

UNNEEDED = ("ray/dashboard/client/", "ray/jars/", "ray/cpp/", "ray/rllib/", "ray/serve/", "ray/llm/")
for wheel in Path(sys.argv[1]).glob("ray-*.whl"):
    trimmed = wheel.with_name(f"{wheel.name}.part")
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(trimmed, "w") as part:
        for entry in whole.infolist():
            if entry.filename.startswith(UNNEEDED):
                continue
            content = whole.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                lines = content.decode().splitlines(keepends=True)
                content = "".join(line for line in lines if not line.startswith(UNNEEDED)).encode()
            part.writestr(entry, content, compress_type=zipfile.ZIP_LZMA)
    trimmed.replace(wheel)
PYTHON
cd "$folder"
stat -c '%s %n' *.whl | awk -v most="$most" '
    { printf "%8.2f MiB  %s\n", $1 / 1048576, $2; total += $1 / 1048576 }
    END { printf "%8.2f MiB in all, of at most %d\n", total, most; exit total > most }'

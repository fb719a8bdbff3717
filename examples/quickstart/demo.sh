#!/usr/bin/env bash
# The quick start from end to end, in a copy of this folder:   bash demo.sh FOLDER
# Needs `reconciler` and `python` on the PATH; `make demo` sees to that.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:?usage: demo.sh FOLDER}
if [ -e "$target" ] && [ ! -e "$target/.quickstart-copy" ]; then
  echo "$target exists and is not a copy made by this script; choose another folder" >&2
  exit 1
fi
rm -rf "$target"
mkdir -p "$target"
touch "$target/.quickstart-copy"
for entry in "$here"/*; do cp -R "$entry" "$target/"; done
cd "$target"

step() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || step() { printf '\n== %s\n' "$1"; }
run() { printf '$ %s\n' "$*"; "$@"; }

step "1. Are the documents right? No backend is asked."
run reconciler validate

step "2. What would be done?"
run reconciler plan -o first.plan

step "3. Do exactly that."
run reconciler apply first.plan

step "4. Is anything left to do? The exit code says it: 0 nothing, 2 changes."
run reconciler plan --detailed-exitcode

step "5. Do the exported datasets equal what was imported? pycocotools decides."
run python check_export.py annotations/instances_val.json photos/images out/objects
run python check_export.py annotations/person_keypoints_val.json photos/images out/poses

step "6. Look at it: some pictures with the annotations drawn, and the data card beside them."
for sheet in out/*/metadata/contact_sheet*.png; do printf '%s\n' "$PWD/$sheet"; done
printf '%s\n' "$PWD/out/objects/README.md"

step "Done. Now try, in $target:"
cat <<'NEXT'
  reconciler graph                          what hangs on what
  touch photos/images/* && reconciler plan  a touched file is no change
  echo "A new caption." >> photos/captions/000000099053.txt && reconciler plan
                                            exactly this unit changes, and what hangs on it
  reconciler apply                          do it
  rm -r out/poses/images && reconciler drift
                                            what others changed, shown apart
  reconciler --var campaign=autumn plan     new metadata for every unit; no file travels
  reconciler explore photos                 what a folder holds, and the documents for it
  reconciler destroy                        take everything down again
Other layouts of folders: examples/layouts. A pipeline: examples/gitops.
NEXT

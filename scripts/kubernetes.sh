#!/bin/sh
# Builds Kubernetes' own API server, controllers, scheduler and kubectl from the Go module proxy, and installs etcd, in pinned
# versions, for `npm run prove:kubernetes`. Needs Go 1.24 or later and Python 3; takes half an hour the first time.
set -eu
cd "$(dirname "$0")/.."
folder=$PWD/.cache/kubernetes
pinned=test/support/kubernetes
if ! cat "$pinned/go.mod" "$pinned/go.sum" "$pinned/requirements.txt" | cmp -s - "$folder/installed.txt"; then
  rm -rf "$folder"
  mkdir -p "$folder/bin"
  python3 -m venv "$folder/python"
  "$folder/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$pinned/requirements.txt"
  version=$(sed -n 's/^require k8s.io\/kubernetes //p' "$pinned/go.mod")
  flags="-s -w -X k8s.io/component-base/version.gitVersion=$version -X k8s.io/client-go/pkg/version.gitVersion=$version"
  # Linking takes gigabytes of memory for each program, so no more than two things are built at a time.
  for program in kube-apiserver kube-controller-manager kube-scheduler kubectl; do
    (cd "$pinned" && CGO_ENABLED=0 go build -p 2 -trimpath -ldflags "$flags" -o "$folder/bin/$program" "k8s.io/kubernetes/cmd/$program")
  done
  cat "$pinned/go.mod" "$pinned/go.sum" "$pinned/requirements.txt" > "$folder/installed.txt"
fi

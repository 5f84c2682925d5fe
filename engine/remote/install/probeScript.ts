/**
 * Tells in one go what an installation needs to know of a host; prints `name value` lines. Changes nothing, but for a mark
 * that keeps an installation it found from being tidied away before it is started.
 * $1: the folder for Berth (default: .berth in the home; relative: to the home); $2…: digests to look for.
 */
export const probeScript = `
  say() { printf "%s %s\\n" "$1" "$2"; }
  case $1 in /*) dir=$1 ;; "") dir=$HOME/.berth ;; *) dir=$HOME/$1 ;; esac
  shift
  near=$dir
  until [ -d "$near" ] || [ -z "$near" ]; do near=\${near%/*}; done
  rest=\${dir#"$near"}
  near=$(cd "\${near:-/}" && pwd -P)
  dir=\${near%/}$rest
  uid=$(id -u)
  user=$(id -un 2>/dev/null || echo "$uid")
  say system "$(uname -s)"
  say machine "$(uname -m)"
  say kernel "$(uname -r)"
  say uid "$uid"
  say user "$user"
  say home "$HOME"
  say dir "$dir"
  say clock "$(date +%s)"
  if [ -w "$near" ] && [ -x "$near" ]; then say writable yes; fi
  say near "$near"
  say df "$(df -Pk "$near" 2>/dev/null | tail -n 1)"
  while read -r device point type options rest; do
    case \${near%/}/ in "\${point%/}"/*) say mount "$type $options $point" ;; esac
  done < /proc/mounts
  for name in user/max_user_namespaces kernel/unprivileged_userns_clone kernel/apparmor_restrict_unprivileged_userns; do
    if [ -r "/proc/sys/$name" ]; then say "sysctl $name" "$(cat "/proc/sys/$name")"; fi
  done
  if [ -e /proc/self/ns/user ]; then say userns yes; fi
  for name in subuid subgid; do
    if [ -r "/etc/$name" ]; then
      while IFS=: read -r owner first count; do
        case $owner in "$user"|"$uid") say "$name" "$count" ;; esac
      done < "/etc/$name"
    fi
  done
  for name in tar gzip sha256sum newuidmap; do
    if command -v "$name" >/dev/null 2>&1; then say tool "$name"; fi
  done
  if [ -c /dev/net/tun ] && [ -r /dev/net/tun ] && [ -w /dev/net/tun ]; then say tun yes; fi
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then say cgroups v2
  elif [ -d /sys/fs/cgroup/unified ]; then say cgroups hybrid
  elif [ -d /sys/fs/cgroup/memory ]; then say cgroups v1
  fi
  for one in "$dir"/engine/*/berth; do
    if [ -x "$one" ]; then one=\${one%/berth}; say installed "\${one##*/}"; fi
  done
  if [ -d "$dir/engine/current" ]; then current=$(cd "$dir/engine/current" && pwd -P); say current "\${current##*/}"; fi
  for digest in "$@"; do
    if [ -x "$dir/engine/$digest/berth" ] && [ -w "$dir/engine/$digest" ]; then : > "$dir/engine/$digest/.used"; fi
  done
  if [ "$uid" = 0 ]; then run=/run/berth; else run=\${XDG_RUNTIME_DIR:-/tmp/berth-$uid}/berth; fi
  socket=\${BERTH_SOCKET:-\${BERTH_RUN_ROOT:-$run}/berth.sock}
  if [ -S "$socket" ]; then say socket "$socket"; fi
  say end yes
`;

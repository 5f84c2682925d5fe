/**
 * Stops the engine and removes it. $1: the folder for Berth, as in `probeScript`; $2: "purge" also removes images, volumes,
 * containers; $3: "refuse" prints `running N` and stops where containers run.
 * Prints `removed PATH` for what is gone, and `left PATH` for what could not be removed. Works on what half an installation left, too.
 */
export const removeScript = `
  case $1 in /*) dir=$1 ;; "") dir=$HOME/.berth ;; *) dir=$HOME/$1 ;; esac
  if [ -d "$dir" ]; then dir=$(cd "$dir" && pwd -P); fi
  purge=$2 running=$3
  uid=$(id -u) engine=$dir/engine
  program= tools=
  for one in "$engine"/*/berth "$engine/previous/berth" "$engine/current/berth"; do
    if [ -x "$one" ]; then program=$one tools=\${one%/berth}/bin; fi
  done
  if [ "$uid" = 0 ]; then data=/var/lib/berth run=/run/berth
  else data=\${XDG_DATA_HOME:-$HOME/.local/share}/berth run=\${XDG_RUNTIME_DIR:-/tmp/berth-$uid}/berth
  fi
  if [ -d "$dir/data" ]; then data=$dir/data; fi
  data=\${BERTH_DATA_ROOT:-$data} run=\${BERTH_RUN_ROOT:-$run}
  ids= asked=1
  if [ -n "$program" ] && { [ -S "$run/berth.sock" ] || [ -n "$(ls -A "$data/containers" 2>/dev/null)" ]; }; then
    ids=$("$program" ps -q)
    asked=$?
  fi
  # No engine to ask: each container that runs has a conmon.
  if [ "$asked" != 0 ]; then
    for process in /proc/[0-9]*; do
      case $(readlink "$process/exe" 2>/dev/null) in "$engine"/*/bin/conmon) ids="$ids \${process#/proc/}" ;; esac
    done
  fi
  if [ "$running" = refuse ] && [ -n "$ids" ]; then set -- $ids; printf "running %s\\n" "$#"; exit 0; fi
  if [ "$asked" = 0 ]; then
    if [ "$purge" = purge ]; then ids=$("$program" ps -aq); if [ -n "$ids" ]; then "$program" rm -f -v $ids >/dev/null; fi
    elif [ -n "$ids" ]; then "$program" container stop $ids >/dev/null
    fi
    "$program" engine stop >/dev/null
  fi
  end() {
    for child in $(cat "/proc/$1"/task/*/children 2>/dev/null); do kill -9 "$child" 2>/dev/null; done
    kill -9 "$1" 2>/dev/null
  }
  for process in /proc/[0-9]*; do
    exe=$(readlink "$process/exe" 2>/dev/null)
    case $exe in "$engine"/*) end "\${process#/proc/}" ;; esac
  done
  clear() {
    if [ -e "$1" ] || [ -L "$1" ]; then :; else return 0; fi
    case $1 in /*/?*) : ;; *) printf "left %s\\n" "$1"; return 0 ;; esac
    real=$(cd "$1" && pwd -P)
    while read -r device point rest; do
      case $point in "$real"/*) umount -l "$point" || mounted=yes ;; esac
    done < /proc/mounts
    if [ -n "$mounted" ]; then printf "left %s\\n" "$1"; return 0; fi
    rm -rf "$1" 2>/dev/null || { if [ "$uid" != 0 ] && [ -x "$tools/rootlesskit" ]; then PATH=$tools:$PATH rootlesskit rm -rf "$1"; fi; }
    if [ -e "$1" ]; then printf "left %s\\n" "$1"; else printf "removed %s\\n" "$1"; fi
  }
  mounted=
  if [ "$uid" != 0 ] && [ "$purge" = purge ] && [ -e "$data/linger" ]; then loginctl --no-ask-password disable-linger 2>/dev/null; fi
  if [ "$purge" = purge ]; then clear "$data"; fi
  clear "$run"
  if [ "$uid" != 0 ]; then rmdir "/tmp/berth-$uid" 2>/dev/null; fi
  clear "$engine"
  if [ -d "$dir" ]; then rmdir "$dir" 2>/dev/null; fi
  echo end
`;

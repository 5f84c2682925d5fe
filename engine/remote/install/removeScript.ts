/** Where everything is: sets dir, engine, uid, data and run. $1: the folder for Berth, as in `probeScript`. */
const places = `
  case $1 in /*) dir=$1 ;; "") dir=$HOME/.berth ;; *) dir=$HOME/$1 ;; esac
  if [ -d "$dir" ]; then dir=$(cd "$dir" && pwd -P); fi
  uid=$(id -u) engine=$dir/engine
  if [ "$uid" = 0 ]; then data=/var/lib/berth run=/run/berth
  else data=\${XDG_DATA_HOME:-$HOME/.local/share}/berth run=\${XDG_RUNTIME_DIR:-/tmp/berth-$uid}/berth
  fi
  if [ -d "$dir/data" ]; then data=$dir/data; fi
  data=\${BERTH_DATA_ROOT:-$data} run=\${BERTH_RUN_ROOT:-$run}
`;

/** Prints `copy PATH` for each folder there that Berth made to keep it equal with one of a client. $1: the folder for Berth. */
export const copiesScript = `${places}
  if [ -f "$data/sync/copies" ]; then
    while read -r one; do
      if [ -d "$one" ]; then printf "copy %s\\n" "$one"; fi
    done < "$data/sync/copies"
  fi
  echo end
`;

/**
 * Stops the engine and removes it. $1: the folder for Berth, as in `probeScript`; $2: "purge" also removes images, volumes,
 * containers, copies of synced folders, and the folders that Berth made for them where these are empty; $3: "refuse" prints `running N` and stops where containers run, "look" does no more than that.
 * Prints `removed PATH` for what is gone, and `left PATH` for what could not be removed. Works on what half an installation left, too.
 */
export const removeScript = `${places}
  purge=$2 running=$3
  program= tools=
  for one in "$engine"/*/berth "$engine/previous/berth" "$engine/current/berth"; do
    if [ -x "$one" ]; then program=$one tools=\${one%/berth}/bin; fi
  done
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
  if [ "$running" != stop ] && [ -n "$ids" ]; then set -- $ids; printf "running %s\\n" "$#"; exit 0; fi
  if [ "$running" = look ]; then echo end; exit 0; fi
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
  set --
  if [ "$purge" = purge ]; then
    if [ -f "$data/sync/copies" ]; then
      while read -r one; do clear "$one"; done < "$data/sync/copies"
    fi
    if [ -f "$data/made" ]; then
      while read -r one; do set -- "$one" "$@"; done < "$data/made"
    fi
    clear "$data"
    for one in "$@"; do rmdir "$one" 2>/dev/null; done
  fi
  clear "$run"
  if [ "$uid" != 0 ]; then rmdir "/tmp/berth-$uid" 2>/dev/null; fi
  top=$(cat "$engine/.made" 2>/dev/null)
  clear "$engine"
  if [ -d "$dir" ]; then rmdir "$dir" 2>/dev/null; fi
  up=\${dir%/*}
  while [ -n "$top" ]; do
    case $up in "$top"|"$top"/*) rmdir "$up" 2>/dev/null || top= ;; *) top= ;; esac
    up=\${up%/*}
  done
  echo end
`;

/**
 * Takes a file by standard input, goes on with what an earlier upload left, checks it by its digest and puts it in place.
 * $1: folder for Berth, $2: digest, $3: size, $4: unpacker on the host or "", $5: "archive" or "program",
 * $6: name of the loader, $7: folder for the data or "".
 * Prints `offset N` (where to begin), then `done`, or `fail WHY`.
 * What was made above the folder for Berth is noted in `.made`, for `removeScript`.
 * Each upload has a slot of its own: a partial file, and a lock that names the shell that writes it. A lock whose shell is gone
 * is taken over with its file. A second upload of the same takes the next slot, so nobody waits for a link that hangs; but what
 * has wholly arrived is not sent again while it is being unpacked.
 */
export const receiveScript = `
  umask 077
  engine=$1/engine digest=$2 size=$3 helper=$4 kind=$5 loader=$6 data=$7
  tool() { if [ -n "$helper" ]; then "$helper" "$@"; else "$@"; fi; }
  fail() { printf "fail %s\\n" "$1"; exit 1; }
  bytes() { if [ -f "$1" ]; then echo $(($(wc -c < "$1"))); else echo 0; fi; }
  top= up=\${1%/*}
  until [ -z "$up" ] || [ -d "$up" ]; do top=$up up=\${up%/*}; done
  mkdir -p "$engine" && cd "$engine" || fail write
  if [ -n "$top" ]; then printf "%s\\n" "$top" > .made; fi
  host=$(uname -n) boot=$(cat /proc/sys/kernel/random/boot_id)
  slot= lock=
  take() {
    ln -s "$host:$boot:$$" "$1" 2>/dev/null && return 0
    [ -L "$1" ] || return 1
    owner=$(readlink "$1") || return 1
    case $owner in
      "$host:$boot:"*) kill -0 "\${owner##*:}" 2>/dev/null && return 1 ;;
      "$host:"*) : ;;
      *) return 1 ;;
    esac
    mv "$1" "$1.$$" 2>/dev/null || return 1
    if [ "$(readlink "$1.$$")" = "$owner" ]; then rm -f "$1.$$"; else mv "$1.$$" "$1"; return 1; fi
    ln -s "$host:$boot:$$" "$1" 2>/dev/null
  }
  arrived() {
    for one in 0 1 2 3 4 5 6 7 8 9; do
      [ "$(bytes ".part-$digest.$one")" = "$size" ] || continue
      owner=$(readlink ".lock-$digest.$one") || continue
      case $owner in "$host:$boot:"*) kill -0 "\${owner##*:}" 2>/dev/null && return 0 ;; esac
    done
    return 1
  }
  waited=0
  while [ "$kind" = archive ] && [ "$waited" -lt 120 ] && arrived; do sleep 1; waited=$((waited + 1)); done
  for n in 0 1 2 3 4 5 6 7 8 9; do
    if take ".lock-$digest.$n"; then slot=$digest.$n; lock=.lock-$slot; break; fi
  done
  if [ -z "$slot" ]; then if [ -w . ]; then fail busy; else fail write; fi; fi
  trap "rm -f \\"$lock\\"" EXIT
  trap "exit 1" HUP INT TERM PIPE
  part=.part-$slot new=.new-$slot
  # BusyBox goes by the name it is called by.
  if [ "$kind" = program ]; then part=busybox-$slot.part; fi
  if [ "$kind" = archive ] && [ -x "$digest/berth" ]; then rm -f "$part"; echo done; exit 0; fi
  if [ "$kind" = program ] && [ -x "busybox-$digest" ]; then echo done; exit 0; fi
  offset=$(bytes "$part")
  if [ "$offset" -gt "$size" ]; then : > "$part"; offset=0; fi
  printf "offset %s\\n" "$offset"
  cat >> "$part" || fail space
  have=$(bytes "$part")
  if [ "$have" -lt "$size" ]; then fail short; fi
  if [ "$kind" = program ]; then chmod 700 "$part"; helper=./$part; fi
  sum=$(tool sha256sum "$part")
  if [ "\${sum%% *}" != "$digest" ]; then rm -f "$part"; fail corrupt; fi
  if [ "$kind" = program ]; then mv "$part" "busybox-$digest" && echo done || fail write; exit 0; fi
  rm -rf "$new"
  mkdir "$new" || fail space
  # Containers' users run the init that is in there.
  umask 022
  if tool tar -xzof "$part" -C "$new"; then :; else rm -rf "$new"; fail unpack; fi
  "$new/lib/$loader" --library-path "$new/lib" "$new/app/node" "$new/finish.cjs" "$PWD" "$digest" \${data:+"$data"} >&2
  status=$?
  if [ "$status" != 0 ]; then rm -rf "$new"; fi
  if [ "$status" = 3 ]; then fail long; fi
  if [ "$status" != 0 ]; then fail finish; fi
  rm -f "$part"
  echo done
`;

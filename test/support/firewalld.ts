import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../../engine/host/process.ts';

const cache = resolve(import.meta.dirname, '../../.cache/firewalld');
const packages = ['firewalld', 'python3-firewall', 'python3-nftables', 'libnm0', 'gir1.2-nm-1.0', 'python3-jsonschema', 'python3-attr', 'python3-pyrsistent'];

const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=@/bus.sock</listen><auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_type="method_call"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`;

/** Starts it in the mount and network namespaces of the caller, waits until it answers, and runs the rest of its arguments beside it. */
const SCRIPT = `set -e
root=$1 work=$2; shift 2
mount -t overlay none -o lowerdir="$root/usr/lib:/usr/lib" /usr/lib
mount -t overlay none -o lowerdir="$root/etc:/etc" /etc
for folder in /var/log /run/lock; do mount -t tmpfs none $folder; done
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$work/bus.sock" PYTHONPATH="$root/usr/lib/python3/dist-packages" PATH="$work/bin:$PATH"
dbus-daemon --config-file="$work/bus.conf" --nofork --nopidfile 2>/dev/null & bus=$!
until [ -S "$work/bus.sock" ]; do sleep 0.05; done
/usr/bin/python3 "$root/usr/sbin/firewalld" --nofork --nopid >"$work/log" 2>&1 & wall=$!
trap 'kill $wall $bus; wait $wall $bus || true' EXIT
for try in $(seq 100); do firewall-cmd -q --state 2>/dev/null && break; sleep 0.1; done
firewall-cmd -q --state
"$@"`;

/** The words before a command that is to run beside a real firewalld; `undefined`: it cannot be had here. Nothing is installed: Debian's packages are unpacked. */
export async function besideFirewalld(work: string): Promise<string[] | undefined> {
  const root = await unpacked();
  const usable = root !== undefined && (await run('sh', ['-c', 'command -v dbus-daemon && /usr/bin/python3 -c "import dbus, gi"'], { okStatus: 'any' })).status === 0;
  if (!usable) return undefined;
  await mkdir(join(work, 'bin'), { recursive: true });
  await writeFile(join(work, 'bus.conf'), BUS.replaceAll('@', work));
  await writeFile(join(work, 'bin/firewall-cmd'), `#!/bin/sh\nexec /usr/bin/python3 ${root}/usr/bin/firewall-cmd "$@"\n`);
  await chmod(join(work, 'bin/firewall-cmd'), 0o755);
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', SCRIPT, 'sh', root, work];
}

async function unpacked(): Promise<string | undefined> {
  if (existsSync(cache)) return cache;
  const temp = `${cache}.${process.pid}`;
  await mkdir(temp, { recursive: true });
  try {
    await run('apt-get', ['download', '-q', ...packages], { cwd: temp });
    for (const file of (await readdir(temp)).filter((name) => name.endsWith('.deb'))) {
      await run('dpkg', ['-x', file, temp], { cwd: temp });
      await rm(join(temp, file));
    }
    await rename(temp, cache);
    return cache;
  } catch {
    await rm(temp, { recursive: true, force: true });
    return existsSync(cache) ? cache : undefined;
  }
}

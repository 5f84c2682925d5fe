// Tries an archive of the engine as a host would: installs it, starts every program in it, and lets its Node speak to a socket such as conmon's.
// One of another architecture runs under qemu-user-static, in namespaces of its own, so that nothing of this machine changes.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './debian.mjs';

const emulators = { arm64: 'qemu-aarch64-static', x64: 'qemu-x86_64-static' };
/** The first bytes of a program for it, and which bits of them count, as binfmt_misc takes them. */
const machine = { arm64: String.raw`\xb7\x00`, x64: String.raw`\x3e\x00` };

/** Waits for a line of input, and answers with it; then ends. */
const SERVER = 'use Socket; socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die; listen($s, 1) or die; accept(my $c, $s); sysread($c, my $d, 100); syswrite($c, "\\x02$d");';
const CLIENT = `const addon = require(process.argv[1]); const c = addon.open(process.argv[2], (p) => console.log(p.subarray(1).toString()), () => {}, () => addon.close(c)); addon.send(c, Buffer.from('ahoy'), 0, 4);`;

/** Run inside the namespaces: $1 an emulator or "", $2 a line for binfmt_misc, $3 the folder of the installation. */
const SCRIPT = `
set -e
if [ -n "$1" ]; then
  mkdir -p "$3/binfmt"; mount -t binfmt_misc binfmt "$3/binfmt"
  printf %s "$2" > "$3/binfmt/register"
fi
home=$3/engine/$4
mkdir -p "$3/engine"
"$3/new/lib/$5" --library-path "$3/new/lib" "$3/new/app/node" "$3/new/finish.cjs" "$3/engine" "$4"
echo "version $("$home/berth" --version)"
for program in "$home"/bin/*; do
  said=$("$program" --version 2>&1 </dev/null || true)
  case $said in *"shared librar"*|*"not found"*|*"No such file"*|"") echo "broken \${program##*/}: $said" ;; *) echo "loads \${program##*/}" ;; esac
done
perl -e '${SERVER}' "$3/socket" & sleep 0.1
while [ ! -S "$3/socket" ]; do sleep 0.1; done
echo "heard $("$home/app/node" -e "$6" "$home/app/native/native.cjs" "$3/socket")"
`;

/** Throws when something in it does not work. Returns a line that says what was tried. */
export function checkArchive(manifest, archive) {
  const { architecture, digest, version, loader } = manifest;
  const folder = mkdtempSync(join(tmpdir(), 'berth-check-'));
  try {
    mkdirSync(join(folder, 'new'));
    runProgram('tar', ['-xzf', archive, '-C', join(folder, 'new')]);
    const emulator = architecture === process.arch ? '' : emulatorOf(architecture);
    const magic = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00` + machine[architecture];
    const mask = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;
    const script = join(folder, 'check.sh');
    writeFileSync(script, SCRIPT);
    const said = runProgram('unshare', ['--user', '--map-root-user', '--mount', 'bash', script, emulator, `:berth:M::${magic}:${mask}:${emulator}:F`, folder, digest, loader, CLIENT]);
    const broken = said.split('\n').filter((line) => line.startsWith('broken '));
    const programs = readdirSync(join(folder, 'engine', digest, 'bin'));
    if (!said.includes(`version ${version}\n`) || !said.includes('heard ahoy\n') || broken.length > 0) throw new Error(`the archive for ${architecture} does not work:\n${said}`);
    return `${architecture}: berth ${version} starts, ${programs.length} programs load, the add-on speaks${emulator === '' ? '' : ` (under ${emulator})`}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function emulatorOf(architecture) {
  const path = join('/usr/bin', emulators[architecture]);
  if (!existsSync(path)) throw new Error(`${path} is needed to try the ${architecture} archive: apt-get install qemu-user-static`);
  return path;
}

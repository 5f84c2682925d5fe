// The last step of an installation, run on the host by the archive's own Node through its own loader, in the folder that the
// archive was unpacked into:
//   lib/<loader> --library-path lib app/node finish.cjs <…/engine> <digest> [folder for the data]
// Status 3: the path is too long. Killed at any instant it leaves the installation before it untouched.
'use strict';
const fs = require('node:fs');
const { basename, join } = require('node:path');

const [engine, digest, data] = process.argv.slice(2);
const home = join(engine, digest);
const { room, places } = JSON.parse(fs.readFileSync(join(__dirname, 'relocations.json'), 'utf8'));

const word = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Writes the folder into a program, as where its loader and libraries are: one that starts itself anew from /proc/self/exe, as crun does, must find them without help. */
function relocate({ file, offset, suffix }) {
  const bytes = Buffer.alloc(room + suffix.length);
  bytes.write(home + suffix);
  const descriptor = fs.openSync(join(__dirname, file), 'r+');
  fs.writeSync(descriptor, bytes, 0, bytes.length, offset);
  fs.closeSync(descriptor);
}

function writeLauncher() {
  const template = fs.readFileSync(join(__dirname, 'launcher.sh'), 'utf8');
  const environment = data ? `[ -n "\${BERTH_DATA_ROOT:-}" ] || BERTH_DATA_ROOT=${word(data)}\nexport BERTH_DATA_ROOT` : '# The data is where it always is.';
  fs.writeFileSync(join(__dirname, 'berth'), template.replace('@HOME@', () => word(home)).replace('@ENVIRONMENT@', () => environment), { mode: 0o755 });
}

function settle(path, deep = true) {
  if (deep && fs.statSync(path).isDirectory()) for (const name of fs.readdirSync(path)) settle(join(path, name));
  const descriptor = fs.openSync(path, 'r');
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}

/** False: somebody else installed the same at this very moment. */
function moveIntoPlace() {
  try {
    fs.renameSync(__dirname, home);
    return true;
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(error.code) || !fs.existsSync(join(home, 'berth'))) throw error;
    fs.rmSync(__dirname, { recursive: true, force: true });
    return false;
  }
}

function linked(name) {
  try {
    return basename(fs.readlinkSync(join(engine, name)));
  } catch {
    return undefined;
  }
}

function link(name, target) {
  const temp = join(engine, `.link-${process.pid}`);
  fs.rmSync(temp, { force: true });
  fs.symlinkSync(target, temp);
  fs.renameSync(temp, join(engine, name));
}

function switchOver() {
  const before = linked('current');
  if (before !== undefined && before !== digest) link('previous', before);
  link('current', digest);
}

/** The installations whose programs run now: engines, and conmon of containers that an older engine started. */
function inUse() {
  const names = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      const path = fs.readlinkSync(`/proc/${pid}/exe`);
      return path.startsWith(`${engine}/`) ? path.slice(engine.length + 1).split('/')[0] : undefined;
    } catch {
      return undefined; // ended, or another user's: that one does not run programs of ours
    }
  });
  return new Set(names);
}

/** Minutes since it was changed. */
const age = (path) => (Date.now() - (fs.lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity)) / 60_000;

/** Removes older installations (not one that a client found a moment ago, and is about to start), and what uploads that nobody went on with left. */
function tidy() {
  const keep = new Set([digest, linked('current'), linked('previous'), ...inUse()]);
  for (const name of fs.readdirSync(engine)) {
    const path = join(engine, name);
    const unused = /^[0-9a-f]{64}$/.test(name) && !keep.has(name) && Math.min(age(path), age(join(path, '.used'))) >= 10;
    const part = name.replace('.lock-', '.part-'); // a slow upload's lock is old, its file is not
    const forgotten = /^(\.(part|new|lock|link)|busybox)-/.test(name) && Math.min(age(path), age(join(engine, part))) > 24 * 60;
    if (unused || forgotten) remove(path);
  }
}

/** Of an installation the launcher first: what is half removed is not taken for one. */
function remove(path) {
  if (fs.lstatSync(path).isDirectory()) fs.rmSync(join(path, 'berth'), { force: true });
  fs.rmSync(path, { recursive: true, force: true });
}

if (Buffer.byteLength(home) >= room) {
  console.error(`${home} is too long a path: at most ${room - 1} bytes`);
  process.exit(3);
}
places.forEach(relocate);
writeLauncher();
settle(__dirname);
if (moveIntoPlace()) switchOver();
settle(engine, false);
tidy();

// The last step of an installation, run by the archive's own Node through its own loader:
//   lib/<loader> --library-path lib app/node finish.cjs <folder it will be moved to> [folder for the data]
// Writes the folder into every program, as where its loader and libraries are (a program that starts itself anew from
// /proc/self/exe, as crun does, must find them without help), makes the launcher, and brings everything to the disk.
'use strict';
const { closeSync, fsyncSync, openSync, readFileSync, readdirSync, statSync, writeFileSync, writeSync } = require('node:fs');
const { join } = require('node:path');

const [home, data] = process.argv.slice(2);
const { room, places } = JSON.parse(readFileSync(join(__dirname, 'relocations.json'), 'utf8'));

const word = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function relocate({ file, offset, suffix }) {
  const bytes = Buffer.alloc(room + suffix.length);
  bytes.write(home + suffix);
  const descriptor = openSync(join(__dirname, file), 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, offset);
  closeSync(descriptor);
}

function writeLauncher() {
  const template = readFileSync(join(__dirname, 'launcher.sh'), 'utf8');
  const environment = data ? `[ -n "\${BERTH_DATA_ROOT:-}" ] || BERTH_DATA_ROOT=${word(data)}\nexport BERTH_DATA_ROOT` : '';
  writeFileSync(join(__dirname, 'berth'), template.replace('@HOME@', () => word(home)).replace('@ENVIRONMENT@', () => environment), { mode: 0o755 });
}

function settle(path) {
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) settle(join(path, name));
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

if (Buffer.byteLength(home) >= room) {
  console.error(`${home} is too long a path: at most ${room - 1} bytes`);
  process.exit(3);
}
places.forEach(relocate);
writeLauncher();
settle(__dirname);

// A tar whose bytes depend on names, modes and contents only.
import { epoch } from './contents.mjs';

const octal = (value, length) => value.toString(8).padStart(length - 1, '0');

function header({ path, mode, content }) {
  const block = Buffer.alloc(512);
  const cut = path.length <= 100 ? -1 : path.indexOf('/', path.length - 101);
  if (path.length > 100 && (cut < 0 || cut > 155)) throw new Error(`${path}: too long a name for the archive`);
  block.write(path.slice(cut + 1), 0);
  if (cut > 0) block.write(path.slice(0, cut), 345);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(content?.length ?? 0, 12), 124);
  block.write(octal(epoch, 12), 136);
  block.write(content === undefined ? '5' : '0', 156);
  block.write('ustar\x0000', 257);
  block.fill(' ', 148, 156);
  block.write(`${octal(block.reduce((sum, byte) => sum + byte, 0), 7)}\0 `, 148);
  return block;
}

/** A tar of files: `{ path, mode, content }`; the folders they are in come with them. */
export function tarOf(files) {
  const folders = new Set(files.flatMap(({ path }) => path.split('/').slice(0, -1).map((_part, index, parts) => parts.slice(0, index + 1).join('/'))));
  const entries = [...[...folders].map((path) => ({ path: `${path}/`, mode: 0o755 })), ...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const parts = entries.flatMap((entry) => [header(entry), ...(entry.content === undefined ? [] : [entry.content, Buffer.alloc((512 - (entry.content.length % 512)) % 512)])]);
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

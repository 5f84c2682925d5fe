// Reads 64-bit little-endian ELF files: what libraries they need, which loader; and leaves out what only debuggers read.

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const SHF_ALLOC = 2n;

export function isElf(bytes) {
  return bytes.length > 64 && bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;
}

function segments(bytes) {
  const [offset, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  return Array.from({ length: count }, (_one, index) => {
    const at = offset + index * size;
    return { type: bytes.readUInt32LE(at), offset: Number(bytes.readBigUInt64LE(at + 8)), address: bytes.readBigUInt64LE(at + 16), size: Number(bytes.readBigUInt64LE(at + 32)) };
  });
}

function text(bytes, at) {
  return bytes.subarray(at, bytes.indexOf(0, at)).toString();
}

/** The loader and the names of the libraries that an ELF file needs; no loader: a library, or statically linked. */
export function readElf(bytes) {
  const all = segments(bytes);
  const interp = all.find(({ type }) => type === PT_INTERP);
  const dynamic = all.find(({ type }) => type === PT_DYNAMIC);
  const entries = [];
  for (let at = dynamic?.offset ?? 0; dynamic && at < dynamic.offset + dynamic.size; at += 16) entries.push([bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8)]);
  const strings = entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0n;
  const home = all.find(({ type, address, size }) => type === PT_LOAD && strings >= address && strings < address + BigInt(size));
  const nameAt = (value) => text(bytes, Number(strings - home.address + value) + home.offset);
  return { loader: interp && text(bytes, interp.offset), needed: entries.filter(([tag]) => tag === DT_NEEDED).map(([, value]) => nameAt(value)) };
}

/** The same program without its symbol table and debugging sections, as strip makes it, for any architecture. */
export function stripped(bytes) {
  const [table, size, count, names] = [Number(bytes.readBigUInt64LE(40)), bytes.readUInt16LE(58), bytes.readUInt16LE(60), bytes.readUInt16LE(62)];
  const headers = Array.from({ length: count }, (_one, index) => Buffer.from(bytes.subarray(table + index * size, table + (index + 1) * size)));
  const kept = headers.map((_header, index) => index).filter((index) => index === 0 || index === names || (headers[index].readBigUInt64LE(8) & SHF_ALLOC) !== 0n);
  const end = Math.max(...segments(bytes).map(({ offset, size: length }) => offset + length));
  const namesHeader = headers[names];
  const [from, length] = [Number(namesHeader.readBigUInt64LE(24)), Number(namesHeader.readBigUInt64LE(32))];
  namesHeader.writeBigUInt64LE(BigInt(end), 24);
  const renumber = (old) => Math.max(kept.indexOf(old), 0);
  for (const index of kept) headers[index].writeUInt32LE(renumber(headers[index].readUInt32LE(40)), 40);
  const start = Math.ceil((end + length) / 8) * 8;
  const head = Buffer.from(bytes.subarray(0, end));
  head.writeBigUInt64LE(BigInt(start), 40);
  head.writeUInt16LE(kept.length, 60);
  head.writeUInt16LE(renumber(names), 62);
  return Buffer.concat([head, bytes.subarray(from, from + length), Buffer.alloc(start - end - length), ...kept.map((index) => headers[index])]);
}

const MAX_LENGTH = 40;

/** A name for a host alias: lower case, digits and `-`, as every client takes it. Pure. */
export function aliasName(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[\u0300-\u036f]/g, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_LENGTH)
    .replaceAll(/^-+|-+$/g, '');
  return plain === '' ? 'container' : plain;
}

/** The first of `name`, `name-2`, `name-3`, … that is free. Pure. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  const wanted = aliasName(name);
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? wanted : `${wanted}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}

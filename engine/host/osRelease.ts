/** os-release(5), as far as Berth needs it. */
export interface OsRelease {
  /** Lower case, such as `debian`; `linux` when the file does not say. */
  readonly id: string;
  /** Distributions this one is made from, nearest first. */
  readonly like: readonly string[];
  readonly prettyName: string;
}

/** The fields as they stand in the file, without their quotes. */
export function osReleaseFields(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Z_]+)=(.*?)\s*$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], unquote(match[2]));
  }
  return values;
}

export function parseOsRelease(text: string): OsRelease {
  const values = osReleaseFields(text);
  return {
    id: (values.get('ID') ?? 'linux').toLowerCase(),
    like: (values.get('ID_LIKE') ?? '').toLowerCase().split(/\s+/).filter((name) => name !== ''),
    prettyName: values.get('PRETTY_NAME') ?? values.get('NAME') ?? 'Linux',
  };
}

function unquote(text: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(text);
  return quoted?.[2] === undefined ? text : quoted[2].replace(/\\(["'$`\\])/g, '$1');
}

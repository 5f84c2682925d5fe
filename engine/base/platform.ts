import { arch } from 'node:os';

/** What programs are made for, in Go's words. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const goArch: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
const ALIASES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = { x86_64: ['amd64'], 'x86-64': ['amd64'], aarch64: ['arm64'], armhf: ['arm', 'v7'], armel: ['arm', 'v6'], i386: ['386'], i686: ['386'] };
const ARCHITECTURES = new Set(['amd64', '386', 'arm64', 'arm', 'riscv64', 'ppc64le', 's390x', 'mips64le', 'mips64', 'mipsle', 'mips', 'loong64', 'ppc64']);
/** Those that mean nothing beyond their architecture. */
const USUAL: Readonly<Record<string, string>> = { arm64: 'v8', amd64: 'v1' };

/** What this host runs. */
export function hostPlatform(): Platform {
  return { os: 'linux', architecture: goArch[arch()] ?? arch() };
}

/** `linux/arm64/v8`, `arm64`, `aarch64`, … in one notation; undefined for what is none, or not Linux. */
export function parsePlatform(text: string): Platform | undefined {
  const parts = text.toLowerCase().split('/');
  const known = ALIASES[parts[0] ?? ''] ?? (ARCHITECTURES.has(parts[0] ?? '') ? [parts[0] ?? ''] : undefined);
  const [os = '', architecture = '', variant, ...more] = known ? ['linux', ...parts] : parts;
  if (os !== 'linux' || more.length > 0) return undefined;
  const [plain, implied] = ALIASES[architecture] ?? [architecture];
  if (!ARCHITECTURES.has(plain) || (variant !== undefined && !/^[a-z0-9]+$/.test(variant))) return undefined;
  return normalPlatform({ os, architecture: plain, variant: variant ?? implied ?? (plain === 'arm' ? 'v7' : undefined) });
}

/** Without what says nothing: `arm64/v8` is `arm64`. */
export function normalPlatform({ os, architecture, variant }: { readonly os: string; readonly architecture: string; readonly variant?: string | undefined }): Platform {
  return variant === undefined || variant === '' || variant === USUAL[architecture] ? { os, architecture } : { os, architecture, variant };
}

/** `os/architecture[/variant]`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/');
}

/** Whether what is made for `has` is what `wanted` asks for. Without a variant any is. */
export function fitsPlatform(has: { readonly os: string; readonly architecture: string; readonly variant?: string | undefined }, wanted: Platform): boolean {
  const [mine, asked] = [normalPlatform(has), normalPlatform(wanted)];
  return mine.os === asked.os && mine.architecture === asked.architecture && (asked.variant === undefined || mine.variant === undefined || mine.variant === asked.variant);
}

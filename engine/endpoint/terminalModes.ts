import { run } from '../host/process.ts';

/** RFC 4254's terminal modes by name, as ssh2 gives them. */
export type Modes = Readonly<Record<string, number | undefined>>;

/** Flags of which the kernel's default differs from what clients may want. The rest is as the container's kernel has it. */
const flags: Readonly<Record<string, string>> = { ECHO: 'echo', ECHOE: 'echoe', ECHOK: 'echok', ECHOCTL: 'echoctl', ECHOKE: 'echoke', ICANON: 'icanon', ISIG: 'isig', IEXTEN: 'iexten', ICRNL: 'icrnl', INLCR: 'inlcr', IGNCR: 'igncr', IXON: 'ixon', IXOFF: 'ixoff', IXANY: 'ixany', IUTF8: 'iutf8', OPOST: 'opost', ONLCR: 'onlcr', OCRNL: 'ocrnl' };
const characters: Readonly<Record<string, string>> = { VINTR: 'intr', VQUIT: 'quit', VERASE: 'erase', VKILL: 'kill', VEOF: 'eof', VSTART: 'start', VSTOP: 'stop', VSUSP: 'susp', VWERASE: 'werase', VLNEXT: 'lnext', VREPRINT: 'rprnt' };

const defaults: Modes = { ECHO: 1, ECHOE: 1, ECHOK: 1, ECHOCTL: 1, ECHOKE: 1, ICANON: 1, ISIG: 1, IEXTEN: 1, ICRNL: 1, IXON: 1, OPOST: 1, ONLCR: 1, VINTR: 3, VQUIT: 28, VERASE: 127, VKILL: 21, VEOF: 4, VSTART: 17, VSTOP: 19, VSUSP: 26, VWERASE: 23, VLNEXT: 22, VREPRINT: 18 };
const DISABLED = 255;

/** The arguments with which `stty` makes a new terminal have these modes; none when it has them already. Pure. */
export function sttyArguments(modes: Modes): string[] {
  const settings: string[] = [];
  for (const [name, word] of Object.entries(flags)) {
    const wanted = modes[name];
    if (wanted !== undefined && (wanted !== 0) !== ((defaults[name] ?? 0) !== 0)) settings.push(wanted === 0 ? `-${word}` : word);
  }
  for (const [name, word] of Object.entries(characters)) {
    const wanted = modes[name];
    if (wanted !== undefined && wanted !== defaults[name]) settings.push(word, wanted === DISABLED || wanted === 0 ? 'undef' : String(wanted));
  }
  return settings;
}

/** Sets the modes of the terminal that a process of this host has as its standard input. */
export async function setTerminalModes(pid: number, modes: Modes): Promise<void> {
  const settings = sttyArguments(modes);
  if (settings.length > 0) await run('stty', ['-F', `/proc/${pid}/fd/0`, ...settings]);
}

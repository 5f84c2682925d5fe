import type { Token } from '../dockerfile/position.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { plainWords } from '../dockerfile/words.ts';
import type { StageState } from '../plan/stageState.ts';

export interface ExposeInstruction {
  readonly kind: 'expose';
  readonly at: Statement;
  readonly ports: readonly Token[];
}

export function parseExpose(at: Statement): ExposeInstruction {
  return { kind: 'expose', at, ports: plainWords(at) };
}

export function applyExpose(node: ExposeInstruction, stage: StageState): void {
  const ports: string[] = [];
  for (const word of node.ports) {
    for (const text of node.at.expand(word, stage.lookup).split(/\s+/).filter((part) => part !== '')) ports.push(...expandRange(node.at, word, text));
  }
  stage.config.ExposedPorts = { ...stage.config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) };
  stage.note(node.at, `EXPOSE ${ports.join(' ')}`);
}

/** An address or a port of the host before the port is Docker's to ignore, and ours. */
function expandRange(at: Statement, word: Token, text: string): string[] {
  const match = /^(?:(?:\[[0-9a-f:]+\]:|[\w.]+:)?[\d-]*:)?(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || first < 1 || last > 65535 || last < first) return at.fail(`invalid containerPort: ${text}`, word);
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

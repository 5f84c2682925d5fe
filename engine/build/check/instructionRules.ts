import type { StageInstruction, StageNode } from '../dockerfile/ast.ts';
import type { Token } from '../dockerfile/position.ts';
import type { BuildWarning, Rule } from './warning.ts';

const secretName = /(?:^|_)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const publicName = /(?:^|_)public(?:_|$)/i;

/** Whether a variable of this name likely holds what nobody else is to know. */
export function namesSecret(name: string): boolean {
  return secretName.test(name) && !publicName.test(name);
}

/** What is odd about the instructions of a stage, one by one and together. */
export function checkInstructions(stage: StageNode): BuildWarning[] {
  const hasShell = stage.body.some(({ kind }) => kind === 'shell');
  const found = stage.body.flatMap((node) => [...checkForm(node, hasShell), ...checkSecrets(node), ...checkPorts(node)]);
  return [...found, ...checkRepeated(stage.body), ...checkWorkdir(stage.body)];
}

function checkForm(node: StageInstruction, hasShell: boolean): BuildWarning[] {
  const warn = (rule: Rule, detail: string): BuildWarning[] => [{ rule, detail, place: node.at.place() }];
  if (node.kind === 'maintainer') return warn('MaintainerDeprecated', 'MAINTAINER is deprecated; use LABEL org.opencontainers.image.authors');
  // Whoever names a shell wants one.
  if ((node.kind === 'cmd' || node.kind === 'entrypoint') && node.command.form === 'shell' && !hasShell) return warn('JSONArgsRecommended', `JSON arguments recommended for ${node.at.keyword}, so that signals reach the program`);
  if ((node.kind === 'env' || node.kind === 'label') && node.pairs[0] && node.at.source.text.charAt(node.pairs[0].key.end) !== '=') return warn('LegacyKeyValueFormat', `"${node.at.keyword} key=value" should be used instead of legacy "${node.at.keyword} key value" format`);
  return [];
}

function checkSecrets(node: StageInstruction): BuildWarning[] {
  const names: readonly Token[] = node.kind === 'env' ? node.pairs.map(({ key }) => key) : node.kind === 'arg' ? node.declarations.map(({ name }) => name) : [];
  return names
    .filter(({ text }) => namesSecret(text))
    .map((token) => ({ rule: 'SecretsUsedInArgOrEnv', place: node.at.place(token.start), detail: `Do not use ARG or ENV instructions for sensitive data (${node.at.keyword} "${token.text}"); use RUN --mount=type=secret` }));
}

function checkPorts(node: StageInstruction): BuildWarning[] {
  if (node.kind !== 'expose') return [];
  return node.ports.flatMap((token): BuildWarning[] => {
    const place = node.at.place(token.start);
    const protocol = /\/([a-z]+)$/i.exec(token.text)?.[1] ?? '';
    return [
      ...(protocol === protocol.toLowerCase() ? [] : [{ rule: 'ExposeProtoCasing' as const, place, detail: `Defined protocol '${token.text}' in EXPOSE instruction should be lowercase` }]),
      ...(/^[^$]*:/.test(token.text) ? [{ rule: 'ExposeInvalidFormat' as const, place, detail: `EXPOSE instruction should not define an IP address or host-port mapping, found '${token.text}'` }] : []),
    ];
  });
}

function checkRepeated(body: readonly StageInstruction[]): BuildWarning[] {
  return (['cmd', 'entrypoint', 'healthcheck'] as const).flatMap((kind) =>
    body
      .filter((node) => node.kind === kind)
      .slice(0, -1)
      .map(({ at }) => ({ rule: 'MultipleInstructionsDisallowed' as const, place: at.place(), detail: `Multiple ${at.keyword} instructions should not be used in the same stage because only the last one will be used` })),
  );
}

/** Relative to what the stage itself has set is fine. */
function checkWorkdir(body: readonly StageInstruction[]): BuildWarning[] {
  const [first] = body.filter((node) => node.kind === 'workdir');
  if (!first || /^["']?[/$]/.test(first.path.text)) return [];
  return [{ rule: 'WorkdirRelativePath', place: first.at.place(first.path.start), detail: `Relative workdir "${first.path.text}" can have unexpected results if the base image changes` }];
}

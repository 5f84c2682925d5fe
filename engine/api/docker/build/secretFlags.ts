/** Where the content of a secret is. */
export type SecretSource = { readonly id: string } & ({ readonly variable: string } | { readonly file: string });

/** `--secret id=NAME[,src=FILE|,env=NAME]`: without either, the variable of that name if there is one, else the file. Its content appears in no error. */
export function parseSecret(text: string, hasVariable: (name: string) => boolean): SecretSource {
  const fields = new Map(text.split(',').map((field): [string, string] => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]));
  const id = fields.get('id') ?? '';
  if (id === '') throw new Error(`--secret: expected id=NAME, with src=FILE or env=NAME, not "${[...fields.keys()].join(',')}"`);
  const file = fields.get('src') ?? fields.get('source');
  const variable = fields.get('env') ?? (file === undefined && hasVariable(id) ? id : undefined);
  return variable === undefined ? { id, file: file ?? id } : { id, variable };
}

/** `--ssh default|id=SOCKET`; `socket`: that of the agent that is meant where none is named. */
export function parseAgent(text: string, socket: string | undefined): readonly [id: string, socket: string] {
  const [id = '', named = socket ?? ''] = text.split('=');
  if (named === '') throw new Error(`--ssh ${id}: there is no SSH agent (SSH_AUTH_SOCK is not set); name its socket with ${id}=PATH`);
  return [id, named];
}

/** What `--allow` lets a build do. */
export function parseAllowed(entitlements: readonly string[]): { allowInsecure?: true; allowDevices?: true } {
  for (const what of entitlements) if (what !== 'security.insecure' && what !== 'network.host' && what !== 'device') throw new Error(`--allow ${what}: expected security.insecure or device`);
  return { ...(entitlements.includes('security.insecure') ? { allowInsecure: true } : {}), ...(entitlements.includes('device') ? { allowDevices: true } : {}) };
}

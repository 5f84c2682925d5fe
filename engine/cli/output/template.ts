/**
 * The small part of Go's templates that people use with `--format`: `{{.State.ExitCode}}`, `{{json .Config}}`, `{{index .Labels "a"}}`, and
 * `\t` and `\n` between. Throws what tells what is not understood.
 */
export function renderTemplate(template: string, value: unknown): string {
  const text = template.replaceAll(String.raw`\t`, '\t').replaceAll(String.raw`\n`, '\n');
  return text.replace(/\{\{\s*(.*?)\s*\}\}/g, (_whole, action: string) => evaluate(action, value));
}

function evaluate(action: string, value: unknown): string {
  const json = /^json\s+(\S+)$/.exec(action);
  if (json?.[1]) return JSON.stringify(pathOf(json[1], value));
  const index = /^index\s+(\S+)\s+"([^"]*)"$/.exec(action);
  if (index?.[1] && index[2] !== undefined) return show(property(pathOf(index[1], value), index[2]));
  if (/^\.[\w.]*$/.test(action)) return show(pathOf(action, value));
  throw new Error(`--format: {{${action}}} is not understood; use {{.A.B}}, {{json .A}} or {{index .A "key"}}`);
}

function pathOf(path: string, value: unknown): unknown {
  return path.split('.').filter((part) => part !== '').reduce(property, value);
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function show(value: unknown): string {
  if (value === undefined || value === null) return '<no value>';
  if (typeof value === 'string') return value;
  return JSON.stringify(value);
}

import { Fields } from '../../../api/docker/build/fields.ts';
import { defineError } from '../../../base/errors.ts';

/** Where a build's result goes, beside or in place of the engine's images. `dest` of `-` is standard output. */
export type FileOutput =
  /** `split`: a folder for each platform; if nothing is said, where there are several. */
  | { readonly kind: 'tree'; readonly dest: string; readonly folder: boolean; readonly split?: boolean }
  | { readonly kind: 'oci' | 'docker'; readonly dest: string; readonly folder: boolean; readonly names: readonly string[] };

export interface BuildOutputs {
  /** Whether the engine keeps an image, under these names. */
  readonly image: boolean;
  readonly names: readonly string[];
  /** Those that are pushed. */
  readonly push: readonly string[];
  readonly files: readonly FileOutput[];
  /** `annotation.KEY=` of the outputs. */
  readonly annotations: Readonly<Record<string, string>>;
}

export interface OutputOptions {
  readonly output?: readonly string[];
  readonly tag?: readonly string[];
  readonly push?: boolean;
  readonly load?: boolean;
}

const typeUnsupported = defineError<{ flag: string; type: string }>('BUILD_OUTPUT_TYPE', 400, (p) => `${p.flag}: unsupported output type "${p.type}": expected local, tar, oci, docker, image or registry`);

interface ImageOutput {
  readonly names: readonly string[];
  readonly push: boolean;
}

/** Of which type an output is; a shorthand names a folder, or `-` for a tar. */
type Spec = { readonly type: string; readonly fields: Fields };

/** What `--output`, `--push`, `--load` and `--tag` ask for. */
export function parseOutputs({ output = [], tag = [], push, load }: OutputOptions): BuildOutputs {
  const images: ImageOutput[] = [];
  const files: FileOutput[] = [];
  const annotations: Record<string, string> = {};
  for (const { type, fields } of output.map(parseSpec)) {
    Object.assign(annotations, fields.takeAll('annotation.'));
    const one = fileOutput(type, fields, tag);
    if (one) files.push(one);
    else images.push(imageOutput(type, fields, tag, push === true));
    fields.end();
  }
  if (push === true && files.length > 0 && images.length === 0) throw new Error(`push and "${output[0] ?? ''}" output can't be used together`);
  if (push === true && images.length === 0) images.push({ names: tag, push: true });
  if (load === true && images.length === 0) images.push({ names: tag, push: false });
  const pushed = images.flatMap((image) => (image.push ? image.names : []));
  if (images.some((image) => image.push && image.names.length === 0)) throw new Error('tag is needed when pushing to registry');
  if (files.filter(({ dest }) => dest === '-').length > 1) throw new Error('only one output can go to standard output');
  const isDefault = output.length === 0 && images.length === 0;
  return { image: isDefault || images.length > 0, names: [...new Set([...(isDefault ? tag : []), ...images.flatMap(({ names }) => names)])], push: [...new Set(pushed)], files, annotations };
}

function parseSpec(text: string): Spec {
  if (!text.includes('=')) return text === '-' ? { type: 'tar', fields: new Fields('--output', 'dest=-') } : { type: 'local', fields: new Fields('--output', `"dest=${text}"`) };
  const fields = new Fields('--output', text);
  return { type: fields.take('type') ?? fields.fail('type is required for output'), fields };
}

function fileOutput(type: string, fields: Fields, tags: readonly string[]): FileOutput | undefined {
  if (type === 'local' || type === 'tar') {
    const dest = fields.take('dest') ?? (type === 'tar' ? '-' : fields.fail('dest is required for local output'));
    if (type === 'local' && dest === '-') fields.fail('a folder cannot go to standard output: use type=tar');
    const split = fields.choice('platform-split');
    return { kind: 'tree', dest, folder: type === 'local', ...(split === undefined ? {} : { split }) };
  }
  if (type !== 'oci' && type !== 'docker') return undefined;
  const folder = !fields.isOn('tar', true);
  const dest = fields.take('dest');
  if (dest === undefined && type === 'docker' && !folder) return undefined;
  if (folder && (dest === undefined || dest === '-')) fields.fail('dest is required for a folder');
  fields.oneOf('compression', ['uncompressed'], 'uncompressed');
  fields.isOn('oci-mediatypes', true);
  return { kind: type, dest: dest ?? '-', folder, names: namesOf(fields) ?? tags };
}

function imageOutput(type: string, fields: Fields, tags: readonly string[], pushed: boolean): ImageOutput {
  if (type !== 'image' && type !== 'registry' && type !== 'docker') throw typeUnsupported({ flag: fields.flag, type });
  fields.isOn('oci-mediatypes', true);
  const push = type === 'docker' ? false : fields.isOn('push', type === 'registry' || pushed);
  return { names: namesOf(fields) ?? tags, push };
}

function namesOf(fields: Fields): string[] | undefined {
  return fields.take('name')?.split(',').map((name) => name.trim());
}

import type { Command } from 'commander';
import { z } from 'zod';
import { attestedImageSchema } from '../../../api/berth/image.ts';
import type { AttestedImage } from '../../../api/berth/image.ts';
import { ApiError } from '../../../api/client.ts';
import type { CliContext } from '../../context.ts';
import { formatTable } from '../../output/table.ts';
import { authHeaders } from '../../registry/credentials.ts';

interface Options {
  readonly platform?: string;
  readonly table?: boolean;
}

/** `berth image provenance` and `berth image sbom`. */
export function registerAttestations(parent: Command, context: CliContext): void {
  parent
    .command('provenance <image>')
    .description('print where an image comes from, as berth build --provenance attested it; of an image that is not here, as its registry has it')
    .option('--platform <os/arch>', 'of an image of several platforms, the one for this')
    .action((image: string, options: Options) => provenance(context, image, options));
  parent
    .command('sbom <image>')
    .description('print what is installed in an image, as SPDX: as it was attested, else as it is found now')
    .option('--platform <os/arch>', 'of an image of several platforms, the one for this')
    .option('--table', 'a line for each package')
    .action((image: string, options: Options) => sbom(context, image, options));
}

async function provenance(context: CliContext, image: string, options: Options): Promise<void> {
  const found = predicates(await attested(context, image, options), 'https://slsa.dev/provenance/');
  if (found.length === 0) throw new Error(`${image}: nothing is attested of where it comes from. Build it with: berth build --provenance`);
  print(context, found);
}

async function sbom(context: CliContext, image: string, options: Options): Promise<void> {
  const known = predicates(await attested(context, image, options), 'https://spdx.dev/Document');
  const found = known.length > 0 ? known : [{ platform: options.platform ?? '', predicate: await scanned(context, image, options) }];
  if (options.table !== true) return print(context, found);
  const rows = found.flatMap(({ platform, predicate }) => spdxSchema.parse(predicate).packages.filter(({ SPDXID }) => SPDXID !== 'SPDXRef-Image').map(({ name, versionInfo = '', externalRefs = [] }) => [...(found.length > 1 ? [platform] : []), name, versionInfo, /^pkg:([a-z]+)\//.exec(externalRefs[0]?.referenceLocator ?? '')?.[1] ?? '']));
  context.stdout.write(formatTable([...(found.length > 1 ? ['PLATFORM'] : []), 'NAME', 'VERSION', 'TYPE'], rows));
}

const spdxSchema = z.looseObject({ packages: z.array(z.looseObject({ SPDXID: z.string(), name: z.string(), versionInfo: z.string().optional(), externalRefs: z.array(z.looseObject({ referenceLocator: z.string() })).optional() })) });

async function attested(context: CliContext, image: string, { platform }: Options): Promise<AttestedImage[]> {
  const client = await context.engine();
  return client.json('GET', '/berth/v1/images/attestations', z.array(attestedImageSchema), { query: { name: image, platform }, headers: await authHeaders(context.env, image), signal: context.signal });
}

/** Of an image that is here. */
async function scanned(context: CliContext, image: string, { platform }: Options): Promise<unknown> {
  try {
    return (await (await context.engine()).json('GET', '/berth/v1/images/sbom', z.object({ predicate: z.unknown() }), { query: { name: image, platform }, signal: context.signal })).predicate;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NO_SUCH_IMAGE') throw new Error(`${image}: nothing is attested of what is installed in it, and it is not here to be looked at. Pull it: berth pull ${image}`, { cause: error });
    throw error;
  }
}

interface Found {
  readonly platform: string;
  readonly predicate: unknown;
}

function predicates(images: readonly AttestedImage[], type: string): Found[] {
  return images.flatMap(({ platform, statements }) => statements.filter(({ predicateType }) => predicateType.startsWith(type)).map(({ predicate }) => ({ platform, predicate })));
}

/** One document as it is; several by platform. */
function print(context: CliContext, found: readonly Found[]): void {
  const [first] = found;
  context.stdout.write(`${JSON.stringify(found.length === 1 ? first?.predicate : Object.fromEntries(found.map(({ platform, predicate }) => [platform, predicate])), null, 2)}\n`);
}

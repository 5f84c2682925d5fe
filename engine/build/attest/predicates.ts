import { formatPlatform, hostPlatform, normalPlatform } from '../../base/platform.ts';
import type { BuildRequest } from '../request.ts';
import type { OpenedContext } from '../context/openContext.ts';
import type { Planned } from '../planned.ts';
import type { BaseImage, BuildImages, Predicate } from '../ports.ts';
import { provenance } from './provenance.ts';
import type { Material } from './provenance.ts';

/** What a build was, for what is said of its images. */
export interface BuildFacts {
  readonly request: BuildRequest;
  readonly opened: Pick<OpenedContext, 'dockerfile' | 'source'>;
  readonly started: number;
}

/** What is to be attested of one image of a build. */
export async function predicatesOf(imageId: string, planned: Planned, { request, opened, started }: BuildFacts, images: Pick<BuildImages, 'sbom'>, signal: AbortSignal): Promise<Predicate[]> {
  const { attest = {} } = request;
  const found: Predicate[] = [];
  if (attest.sbom === true) found.push(await images.sbom(imageId, signal));
  if (attest.provenance) {
    const facts = {
      plan: planned.plan,
      dockerfile: opened.dockerfile,
      ...(opened.source ? { source: opened.source } : {}),
      bases: planned.bases.map(({ ref, image }) => materialOf(ref, image)),
      ...(request.target === undefined ? {} : { target: request.target }),
      buildArgs: request.buildArgs ?? {},
      labels: request.labels ?? {},
      ...(request.settings ? { settings: request.settings } : {}),
      contexts: Object.keys(request.contexts ?? {}),
      secrets: Object.keys(request.secrets ?? {}),
      sshAgents: Object.keys(request.sshAgents ?? {}),
      hidden: Object.values(request.secrets ?? {}).map((secret) => secret.toString('utf8').trim()),
      platform: planned.options.platform,
      buildPlatform: planned.options.buildPlatform ?? hostPlatform(),
      started,
      finished: Date.now(),
    };
    found.push(provenance(facts, attest.provenance));
  }
  return found;
}

/** An image by the digest that its registry knows it by, else by that of its manifest here. */
function materialOf(ref: string, image: BaseImage): Material {
  const known = image.repoDigests?.map((name) => name.slice(name.indexOf('@') + 1))[0] ?? image.manifestDigest ?? image.id;
  const platform = formatPlatform(normalPlatform(image.config));
  const [, name = ref, tag = 'latest'] = /^(.*?)(?::([^:/@]+))?(?:@.*)?$/.exec(ref) ?? [];
  return { uri: `pkg:docker/${name}@${tag}?platform=${encodeURIComponent(platform)}`, digest: { sha256: known.slice('sha256:'.length) } };
}

import { loginRequestSchema, pushIndexRequestSchema } from '../../../api/docker/registry.ts';
import { registryDomain } from '../../../api/docker/registryHost.ts';
import { badRequest } from '../../../base/errors.ts';
import type { RemoteImages } from '../../../images/remoteImages.ts';
import { parseRegistryAuth, toCredentials } from '../../../registry/auth.ts';
import type { Credentials } from '../../../registry/auth.ts';
import type { Reply, RequestContext, Route } from '../../route.ts';
import { readPlatform } from '../docker/imageTransfer.ts';
import { JsonProgress } from '../docker/jsonProgress.ts';

/** Docker's `POST /auth`, and what it has no route for: tags, manifests, referrers, and indexes made of images. */
export function registryRoutes(remote: RemoteImages): Route[] {
  return [
    { method: 'POST', path: '/auth', handle: (context, reply) => login(remote, context, reply) },
    { method: 'GET', path: '/berth/v1/registry/tags', handle: async (context, reply) => reply.json(200, { tags: await remote.tags(named(context), credentialsOf(context), context.signal) }) },
    { method: 'GET', path: '/berth/v1/registry/manifest', handle: (context, reply) => manifest(remote, context, reply) },
    { method: 'GET', path: '/berth/v1/registry/referrers', handle: async (context, reply) => reply.json(200, { manifests: await remote.referrers(named(context), context.query.get('artifactType') ?? undefined, credentialsOf(context), context.signal) }) },
    { method: 'GET', path: '/berth/v1/images/attestations', handle: async (context, reply) => reply.json(200, await remote.attestations(named(context), readPlatform(context.query.get('platform')), credentialsOf(context), context.signal)) },
    { method: 'POST', path: '/berth/v1/registry/index', handle: (context, reply) => pushIndex(remote, context, reply) },
  ];
}

async function login({ registries }: RemoteImages, context: RequestContext, reply: Reply): Promise<void> {
  const { serveraddress = '', ...given } = await context.json(loginRequestSchema);
  const credentials = toCredentials(given);
  if (!credentials) throw badRequest({ what: 'login', detail: 'give a user name and a password, or a token' });
  const token = await registries.login(registryDomain(serveraddress), credentials, context.signal);
  reply.json(200, { Status: 'Login Succeeded', IdentityToken: token ?? '' });
}

async function manifest(remote: RemoteImages, context: RequestContext, reply: Reply): Promise<void> {
  const { mediaType, digest, body } = await remote.manifest(named(context), credentialsOf(context), context.signal);
  reply.header('Docker-Content-Digest', digest);
  reply.stream(200, mediaType || 'application/json').end(body);
}

async function pushIndex(remote: RemoteImages, context: RequestContext, reply: Reply): Promise<void> {
  const { name, images } = await context.json(pushIndexRequestSchema);
  const credentials = credentialsOf(context);
  const progress = new JsonProgress(reply);
  await progress.during(context.signal, async (ctx) => {
    const { digest, size } = await remote.pushIndex(name, images, credentials ? { credentials } : {}, ctx);
    progress.line({ status: `${name}: digest: ${digest} size: ${size}` });
  });
}

function named({ query }: RequestContext): string {
  const name = query.get('name') ?? '';
  if (name === '') throw badRequest({ what: 'name', detail: 'name an image' });
  return name;
}

function credentialsOf({ headers }: RequestContext): Credentials | undefined {
  return parseRegistryAuth(headers['x-registry-auth']?.toString());
}

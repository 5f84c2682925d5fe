import { defineError } from '../base/errors.ts';

export const invalidReference = defineError<{ reference: string; detail: string }>('INVALID_REFERENCE', 400, (p) => `invalid reference format: "${p.reference}" ${p.detail}`);
export const registryUnreachable = defineError<{ host: string; detail: string }>('REGISTRY_UNREACHABLE', 502, (p) => `The registry ${p.host} cannot be reached: ${p.detail}. Check the name, the network and any proxy.`);
export const registryUnauthorized = defineError<{ host: string; repository: string }>('REGISTRY_UNAUTHORIZED', 401, (p) => `pull access denied for ${p.repository}: the registry ${p.host} wants a login, or the repository does not exist. Log in and try again.`);
export const registryImageUnknown = defineError<{ reference: string; host: string }>('REGISTRY_IMAGE_UNKNOWN', 404, (p) => `manifest for ${p.reference} not found: the registry ${p.host} does not know it. Check its name and tag.`);
export const registryRefused = defineError<{ host: string; status: number; detail: string }>('REGISTRY_REFUSED', 502, (p) => `The registry ${p.host} answered with status ${p.status}: ${p.detail}`);
export const platformMissing = defineError<{ reference: string; platform: string; available: string }>('PLATFORM_MISSING', 404, (p) => `no matching manifest for ${p.platform} in ${p.reference}; it has ${p.available}`);
export const registryDocumentInvalid = defineError<{ reference: string; what: string; detail: string }>('REGISTRY_DOCUMENT_INVALID', 502, (p) => `${p.what} of ${p.reference} that the registry gave cannot be used: ${p.detail}`);

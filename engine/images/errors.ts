import { defineError } from '../base/errors.ts';

export const noSuchImage = defineError<{ ref: string }>('NO_SUCH_IMAGE', 404, (p) => `No such image: ${p.ref}`);
export const imageNotForPlatform = defineError<{ ref: string; platform: string; has: string }>('IMAGE_NOT_FOR_PLATFORM', 404, (p) => `The image ${p.ref} is here for ${p.has}, not for ${p.platform}. Pull it: berth pull --platform ${p.platform} ${p.ref}`);
export const ambiguousImageId = defineError<{ id: string }>('AMBIGUOUS_IMAGE_ID', 400, (p) => `The image id ${p.id} fits several images. Give more of it.`);
export const imageInUse = defineError<{ image: string; containers: string; detail: string }>('IMAGE_IN_USE', 409, (p) => `conflict: unable to remove ${p.image} (${p.detail}) - it is used by container ${p.containers}`);
export const imageHasNames = defineError<{ image: string; names: string }>('IMAGE_HAS_NAMES', 409, (p) => `conflict: unable to delete ${p.image} (must be forced) - image is referenced in multiple repositories: ${p.names}`);
export const notAnImageArchive = defineError<{ detail: string }>('NOT_AN_IMAGE_ARCHIVE', 400, (p) => `This is not an image archive: ${p.detail}. Expected what docker save writes (manifest.json) or an OCI layout (index.json). For a root file system, use import.`);
export const bootstrapUnknown = defineError<{ ref: string; known: string }>('BOOTSTRAP_UNKNOWN', 400, (p) => `Berth cannot bootstrap ${p.ref}. It makes base images from Debian's packages: ${p.known}`);
export const bootstrapFailed = defineError<{ ref: string; detail: string }>('BOOTSTRAP_FAILED', 500, (p) => `Making ${p.ref} from Debian's packages failed: ${p.detail}`);

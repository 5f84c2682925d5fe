import { inUserNamespace, ourIds } from '../userNamespace.ts';
import type { OurIds } from '../userNamespace.ts';

/** What a layer's files can be on this host. */
export interface LayerRules {
  /** The attribute by which overlay knows a directory that hides what is below it. */
  readonly opaque: string;
  /** Whether device nodes can be made; if not they are left out, as every engine without root does. A container has its own /dev. */
  readonly devices: boolean;
  /** The owners that files can have. */
  readonly ids: OurIds;
}

/** Without root of the host, overlay (mounted with `userxattr`) keeps its marks where an ordinary user may write. */
export function layerRules(userNamespace: boolean = inUserNamespace(), ids: OurIds = ourIds()): LayerRules {
  return userNamespace ? { opaque: 'user.overlay.opaque', devices: false, ids } : { opaque: 'trusted.overlay.opaque', devices: true, ids };
}

/** Overlay's own attributes: never part of a layer. */
export function isOverlayAttribute(name: string, rules: Pick<LayerRules, 'opaque'>): boolean {
  return name.startsWith('trusted.overlay.') || (rules.opaque.startsWith('user.') && /^user\.(fuse)?overlay(fs)?\./.test(name));
}

/** The attribute that a host's SELinux labels files by: of the host, never part of a layer or an archive. */
export const SELINUX_LABEL = 'security.selinux';

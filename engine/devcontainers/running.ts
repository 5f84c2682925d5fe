import type { ContainerInspect } from '../api/docker/containerView.ts';
import type { MergedConfig } from './config/metadata.ts';
import type { Definition } from './definition.ts';
import type { Remote } from './remote.ts';

/** A dev container that runs, with all that tools need to work in it. */
export interface RunningDevContainer {
  readonly definition: Definition;
  readonly merged: MergedConfig;
  readonly details: ContainerInspect;
  readonly remote: Remote;
}

import { addPublished, parsePublish } from '../../api/docker/run/portSpec.ts';
import type { CreateBody } from '../../api/docker/run/createBody.ts';
import type { ConfigDocument } from '../config/configDocument.ts';
import type { DevContainerConfig } from '../config/schema.ts';
import { invalidAt } from '../config/validate.ts';

/** `appPort`: published; a bare number on 127.0.0.1 under the same number. Throws DEVCONTAINER_INVALID. */
export function addAppPorts(body: CreateBody, document: ConfigDocument, appPort: DevContainerConfig['appPort']): void {
  if (appPort === undefined) return;
  const several = Array.isArray(appPort);
  for (const [index, port] of (several ? appPort : [appPort]).entries()) {
    const spec = parsePublish(typeof port === 'number' ? `127.0.0.1:${port}:${port}` : port);
    if (!spec) throw invalidAt(document, several ? ['appPort', index] : ['appPort'], 'expected a port from 1 to 65535, or "[[ip:]hostPort:]containerPort"');
    addPublished(body, spec);
  }
}

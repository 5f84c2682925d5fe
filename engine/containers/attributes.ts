import type { EventBus } from '../base/eventBus.ts';
import type { Container } from './container.ts';

/** Announces something that a container did or had done to it, with the attributes of Docker's events: image, name, labels. */
export function announce(events: EventBus, { record }: Container, action: string, extra: Readonly<Record<string, string>> = {}): void {
  events.publish('container', action, record.id, { ...record.config.Labels, image: record.imageRef, name: record.name, ...extra });
}

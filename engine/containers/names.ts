import { randomInt } from 'node:crypto';
import { invalidName } from './errors.ts';

const QUALITIES = 'amber brave breezy bright calm clever coastal coral crisp deep eager fair fleet gentle golden hardy keen kind lively lucky mellow merry misty nimble patient plucky proud quiet rapid sandy silver sleek snug spry steady sunny swift tidal trusty vivid warm windy wise'.split(' ');
const SHIPS = 'barge barque brig canoe caravel catamaran clipper cog corvette cutter dhow dinghy dory ferry frigate galleon galley gig gondola hulk junk kayak keelboat ketch launch lighter liner lugger nao pilot pinnace pram punt raft schooner scow skiff sloop smack tender trawler tug wherry yacht yawl'.split(' ');

/** A name that no container has. */
export function inventName(taken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${QUALITIES[randomInt(QUALITIES.length)]}_${SHIPS[randomInt(SHIPS.length)]}${attempt < 5 ? '' : randomInt(10 ** Math.min(attempt, 9))}`;
    if (!taken(name)) return name;
  }
}

/** The name without the slash that Docker allows in front. Throws INVALID_CONTAINER_NAME. */
export function checkName(text: string): string {
  const name = text.replace(/^\//, '');
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) throw invalidName({ name });
  return name;
}

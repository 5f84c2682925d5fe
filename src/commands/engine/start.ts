import type { Command } from '../command.ts';
import { inView } from '../command.ts';
import type { EngineStarter } from '../engineStarter.ts';

export function startEngine(starter: EngineStarter): Command {
  return {
    id: 'berth.engine.start',
    async run() {
      await inView('berth.containers', () => starter.ensure());
    },
  };
}

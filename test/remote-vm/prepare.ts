import { machineImage } from './machineImage.ts';

await machineImage((line) => console.log(line));

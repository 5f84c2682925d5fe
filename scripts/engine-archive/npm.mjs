// Packages of npm for an architecture that is not this machine's, which `npm install` leaves out.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../node.mjs';
import { runProgram } from './debian.mjs';

/** The folder and version of a package: from node_modules, else fetched once and kept. Throws when it cannot be had. */
export function npmPackage(name, version = pinned(name)) {
  const installed = join(root, 'node_modules', name);
  if (existsSync(join(installed, 'package.json'))) return { folder: installed, version };
  const kept = join(root, '.cache', 'engine-archive', 'npm');
  const folder = join(kept, `${name}-${version}`);
  if (!existsSync(folder)) {
    const temp = join(kept, `.tmp-${process.pid}`);
    mkdirSync(temp, { recursive: true });
    try {
      const [{ filename, integrity }] = JSON.parse(runProgram('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', temp, `${name}@${version}`], { cwd: temp }));
      const locked = lock().packages[`node_modules/${name}`]?.integrity;
      if (locked !== undefined && locked !== integrity) throw new Error(`${name}@${version} is not what package-lock.json says it is`);
      runProgram('tar', ['-xzf', join(temp, filename), '-C', temp]);
      renameSync(join(temp, 'package'), folder);
    } finally {
      rmSync(temp, { recursive: true, force: true });
    }
  }
  return { folder, version };
}

function lock() {
  return JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
}

function pinned(name) {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return optionalDependencies[name];
}

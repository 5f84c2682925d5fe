// Packages of npm for an architecture that is not this machine's, which `npm install` leaves out.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../node.mjs';
import { runProgram } from './debian.mjs';

/** The packed file of a package, fetched once and kept; its integrity is what is asked for. */
export function npmFile(name, { version, integrity }) {
  const kept = join(root, '.cache', 'engine-archive', 'npm');
  const path = join(kept, `${name}-${version}.tgz`);
  if (!existsSync(path)) {
    mkdirSync(kept, { recursive: true });
    const [packed] = JSON.parse(runProgram('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', kept, `${name}@${version}`], { cwd: kept }));
    if (packed.filename !== `${name}-${version}.tgz`) renameSync(join(kept, packed.filename), path);
  }
  const digest = `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`;
  if (digest === integrity) return path;
  rmSync(path);
  throw new Error(`${name}@${version} is not what was asked for: its integrity is ${digest}`);
}

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

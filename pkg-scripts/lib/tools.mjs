// Finds the system programs that tests need, and installs them where that is possible without asking.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { attempt } from './run.mjs';

export const NEON_TARGET = 'aarch64-unknown-linux-gnu';
export const NEON_PACKAGES = ['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross', 'qemu-user-static'];

const CHROMIUM_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Full path of a program on PATH, or undefined. */
export const which = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync);

/** The browser that tests start: CHROMIUM_PATH if set, else a usual place; undefined if there is none. */
export const chromium = () => process.env.CHROMIUM_PATH ?? CHROMIUM_PLACES.find(existsSync);

/** Whether `installDebian` may work here. */
export const canInstallDebian = () => process.getuid?.() === 0 && which('apt-get') !== undefined;

/** Installs Debian packages; resolves with true on success. Its output is shown only if it fails. */
export async function installDebian(packages) {
  console.log(`Installing ${packages.join(', ')} ...`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await attempt('apt-get', ['update', '-q'], { env });
  const install = ['install', '-q', '-y', '--no-install-recommends', ...packages];
  const { code, output } = await attempt('apt-get', install, { env });
  if (code !== 0) process.stderr.write(output);
  return code === 0;
}

/** Whether the emulator and cross linker for the NEON tests are here. */
export const hasNeonTools = () => ['aarch64-linux-gnu-gcc', 'qemu-aarch64-static'].every(which);

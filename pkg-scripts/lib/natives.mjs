// The machines that get a native engine: one table, from which packages are made, built, and looked for.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, inTarget } from './paths.mjs';

// The oldest C library that the GNU builds ask for: that of Debian 8, RHEL 7 and Amazon Linux 2.
export const GLIBC_LIMIT = 17;
const GLIBC = `2.${GLIBC_LIMIT}`;
// The oldest macOS for which Node 20 is built.
const MACOS = '11.0';
// A library that is loaded into a running program cannot bring a C library of its own.
const SHARED_LIBC = '-C target-feature=-crt-static';

/** `build` is how cargo makes it on Linux: by zig, which has the C libraries of all systems, or by MinGW. */
export const NATIVES = [
  {
    name: 'linux-x64-gnu',
    about: 'Linux on x64 with glibc',
    target: 'x86_64-unknown-linux-gnu',
    build: { by: 'zig', suffix: `.${GLIBC}` },
    manifest: { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
  },
  {
    name: 'linux-arm64-gnu',
    about: 'Linux on arm64 with glibc',
    target: 'aarch64-unknown-linux-gnu',
    build: { by: 'zig', suffix: `.${GLIBC}` },
    manifest: { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
  },
  {
    name: 'linux-x64-musl',
    about: 'Linux on x64 with musl',
    target: 'x86_64-unknown-linux-musl',
    build: { by: 'zig', env: { RUSTFLAGS: SHARED_LIBC } },
    manifest: { os: ['linux'], cpu: ['x64'], libc: ['musl'] },
  },
  {
    name: 'linux-arm64-musl',
    about: 'Linux on arm64 with musl',
    target: 'aarch64-unknown-linux-musl',
    build: { by: 'zig', env: { RUSTFLAGS: SHARED_LIBC } },
    manifest: { os: ['linux'], cpu: ['arm64'], libc: ['musl'] },
  },
  {
    name: 'win32-x64',
    about: 'Windows on x64',
    target: 'x86_64-pc-windows-gnu',
    build: { by: 'mingw' },
    // Without `libc`: npm installs no package that names one on a system that has none of its kinds.
    manifest: { os: ['win32'], cpu: ['x64'] },
  },
  {
    name: 'darwin-arm64',
    about: 'macOS on Apple silicon',
    target: 'aarch64-apple-darwin',
    build: { by: 'zig', env: { MACOSX_DEPLOYMENT_TARGET: MACOS } },
    manifest: { os: ['darwin'], cpu: ['arm64'] },
  },
  {
    name: 'darwin-x64',
    about: 'macOS on Intel',
    target: 'x86_64-apple-darwin',
    build: { by: 'zig', env: { MACOSX_DEPLOYMENT_TARGET: MACOS } },
    manifest: { os: ['darwin'], cpu: ['x64'] },
  },
];

export const packageName = ({ name }) => `@annywhere/native-${name}`;

/** What cargo calls the library. */
export function libraryName({ target }) {
  if (target.includes('windows')) return 'annywhere_node.dll';
  return target.includes('apple') ? 'libannywhere_node.dylib' : 'libannywhere_node.so';
}

/** Where the package of a platform is put together. */
export const nativeFolder = ({ name }) => inTarget('natives', name);

/** Puts a package together: manifest, licences, engine. */
export function assembleNative(native, version, engine) {
  const folder = nativeFolder(native);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const manifest = {
    name: packageName(native),
    version,
    description: `Native engine of annywhere for ${native.about}; installed by annywhere itself.`,
    license: 'MIT OR Apache-2.0',
    ...native.manifest,
    main: 'annywhere.node',
    files: ['annywhere.node', 'LICENSE-MIT', 'LICENSE-APACHE'],
    engines: { node: '>=20.19' },
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) cpSync(inRoot(licence), join(folder, licence));
  cpSync(engine, join(folder, 'annywhere.node'));
  return folder;
}

/** The versions of the GNU C library that an ELF file asks for, newest last; found as text, as the loader finds them. */
export function glibcVersions(file) {
  const text = readFileSync(file, 'latin1');
  const found = new Set([...text.matchAll(/GLIBC_(\d+(?:\.\d+)+)/g)].map(([, version]) => version));
  const parts = (version) => version.split('.').map(Number);
  return [...found].sort((a, b) => {
    const [x, y] = [parts(a), parts(b)];
    const at = x.findIndex((part, index) => part !== (y[index] ?? 0));
    return at < 0 ? 0 : x[at] - (y[at] ?? 0);
  });
}

/** Whether the package of a platform has been built. */
export const isBuilt = (native) => existsSync(join(nativeFolder(native), 'annywhere.node'));

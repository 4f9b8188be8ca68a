import { existsSync, globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..', '..', '..');
const config = parse(readFileSync(join(root, 'electron-builder.yml'), 'utf8')) as Record<string, unknown> & {
  files: string[];
  asarUnpack: string[];
  electronFuses: Record<string, boolean>;
} & Record<'linux' | 'win' | 'mac', { target: { target: string; arch: string[] }[]; extraResources?: { from: string }[] }>;

/** electron-builder's own check, which is what a build starts with. */
const fromBuilder = createRequire(createRequire(import.meta.url).resolve('electron-builder/package.json'));
const { validateConfiguration } = fromBuilder('app-builder-lib/out/util/config/config') as {
  validateConfiguration(config: unknown, log: { isEnabled: boolean; add(): void }): Promise<void>;
};
const validate = (value: unknown) => validateConfiguration(structuredClone(value), { isEnabled: false, add: () => {} });

test('it is valid by electron-builder’s schema', async () => {
  await validate(config);
});

test('the schema would find a misspelt field', async () => {
  await expect(validate({ ...config, asarUnpak: [] })).rejects.toThrow(/asarUnpak/);
  await expect(validate({ ...config, electronFuses: { runAsNod: false } })).rejects.toThrow(/electronFuses/);
});

test.each([
  ['linux', ['AppImage', 'deb', 'rpm']],
  ['win', ['nsis']],
  ['mac', ['dmg', 'zip']],
] as const)('%s: every package, for x64 and arm64', (platform, targets) => {
  expect(config[platform].target).toEqual(targets.map((target) => ({ target, arch: ['x64', 'arm64'] })));
});

test('every fuse of the checklist is set', () => {
  expect(config.electronFuses).toMatchObject({
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    grantFileProtocolExtraPrivileges: false,
  });
  expect(config).toMatchObject({ asar: true, npmRebuild: false, nodeGypRebuild: false, buildDependenciesFromSource: false, publish: null });
});

describe('what it names is there', () => {
  /** Made by npm run build, so perhaps not there when this runs. */
  const built = /^dist\//;
  const globs = [...config.files, ...config.asarUnpack].map((glob) => glob.replace(/^!/, '')).filter((glob) => glob !== '**/*.map' && !built.test(glob));
  test.each([...new Set(globs)])('%s', (glob) => {
    expect(globSync(glob, { cwd: root }).length).toBeGreaterThan(0);
  });

  test('the heads of dist are those that rolldown builds, and main is what package.json says', () => {
    const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      main: string;
      bin: Record<string, string>;
      optionalDependencies: Record<string, string>;
    };
    const sources = [pkg.main, ...Object.values(pkg.bin)].map((path) => path.replace(/^dist\//, 'app/').replace(/\.js$/, '.ts'));
    for (const source of sources) expect(existsSync(join(root, source)), source).toBe(true);
    for (const [, folders] of JSON.stringify(config.asarUnpack).matchAll(/dist\/\{([^}]+)\}/g)) {
      for (const folder of (folders ?? '').split(','))
        expect(
          ['app', 'app/core', '.'].some((at) => existsSync(join(root, at, folder))),
          folder,
        ).toBe(true);
    }
    // Node comes from these packages; macOS has none, which packaging for it must settle.
    for (const platform of ['linux', 'win'] as const) {
      for (const arch of platform === 'win' ? ['x64'] : ['x64', 'arm64']) {
        const from = config[platform].extraResources?.[0]?.from.replaceAll('${arch}', arch);
        expect(Object.keys(pkg.optionalDependencies)).toContain(from?.split('/')[1]);
      }
    }
  });
});

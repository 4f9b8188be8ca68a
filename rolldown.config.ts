/**
 * The built heads. `dist` mirrors `app` file by file, so that a program finds its parts (a runner's main file, the assets)
 * by the same relative paths as in a checkout. Packages stay in node_modules: natives cannot be bundled.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { defineConfig, type Plugin } from 'rolldown';

/** `new URL('./x-main.ts', import.meta.url)` names a file to run: once built, that is ./x-main.js. */
const builtEntries: Plugin = {
  name: 'built-entries',
  transform: {
    filter: { code: /import\.meta\.url/ },
    handler: (code, id) => {
      const built = code.replace(
        /(new URL\(\s*['"`])(\.[^'"`]*)\.ts(['"`]\s*,\s*import\.meta\.url)/g,
        (_all: string, before: string, path: string, after: string) => {
          const file = resolve(dirname(id), `${path}.ts`);
          if (!existsSync(file)) throw new Error(`${id} starts ${file}, which does not exist.`);
          return `${before}${path}.js${after}`;
        },
      );
      // Nothing has moved: the map stays as it is.
      return built === code ? undefined : { code: built, map: null };
    },
  },
};

const external = (id: string) => !/^[./#]/.test(id) && !/^[A-Za-z]:\\/.test(id);

export default defineConfig([
  {
    input: {
      'cli/main': 'app/cli/main.ts',
      'agent/main': 'app/agent/main.ts',
      'engine/main': 'app/engine/main.ts',
      'core/onnx/reader-main': 'app/core/onnx/reader-main.ts',
      'core/trials/quantize-main': 'app/core/trials/quantize-main.ts',
      'core/runtime/runner-main': 'app/core/runtime/runner-main.ts',
      'core/hardware/prove-main': 'app/core/hardware/prove-main.ts',
      'core/hardware/probe-main': 'app/core/hardware/probe-main.ts',
      'core/trust/key-store/keychain-main': 'app/core/trust/key-store/keychain-main.ts',
    },
    platform: 'node',
    external,
    plugins: [builtEntries],
    output: { dir: 'dist', format: 'esm', preserveModules: true, preserveModulesRoot: 'app', sourcemap: true, entryFileNames: '[name].js' },
  },
  {
    input: 'app/electron/main.ts',
    platform: 'node',
    external: ['electron', /^node:/],
    output: { file: 'dist/electron/main.js', format: 'esm', sourcemap: true },
  },
  {
    input: 'app/electron/preload.ts',
    platform: 'browser',
    external: ['electron'],
    output: { file: 'dist/electron/preload.cjs', format: 'cjs', sourcemap: true },
  },
]);

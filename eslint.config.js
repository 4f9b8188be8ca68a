/** ESLint sees what the compiler does not: forgotten promises, switches with a case missing, imports that break the house. */
import { builtinRules } from 'eslint/use-at-your-own-risk';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Only app/electron has Electron at run time; a type import elsewhere would be the first step of a leak. */
const NO_ELECTRON = { name: 'electron', message: 'Only app/electron imports electron.' };
/** ONNX Runtime is synchronous and may crash its process: it is loaded in runner processes only. */
const NO_ORT = { name: 'onnxruntime-node', message: 'Only runner processes load ONNX Runtime (runner-main, prove-main).', allowTypeImports: true };
/** One room opens databases, so that all are opened in the way that survives power loss. */
const NO_SQLITE = { name: 'better-sqlite3', message: 'Open databases through #core/platform.', allowTypeImports: true };

/** A long file is a hint to split it; a very long one is an error. One rule cannot say both. */
const house = { rules: { 'max-lines-hard': builtinRules.get('max-lines') } };

const restricted = (...paths) => ['error', { paths }];

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'test-results/', 'native/build/', 'test/browser/', '**/*.d.ts'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { house },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true }],
      // An async function without await keeps an interface's shape (and turns a throw into a rejection).
      '@typescript-eslint/require-await': 'off',
      // Numbers, lists and what an index may not find are everywhere in messages; an object in a message is a mistake.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowArray: true, allowNullish: true }],
      // Our interfaces are made of closures, which need no `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true, allowRethrowing: true }],
      'max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
      'house/max-lines-hard': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': restricted(NO_ELECTRON, NO_ORT, NO_SQLITE),
    },
  },
  { files: ['app/electron/**/*.ts'], rules: { '@typescript-eslint/no-restricted-imports': restricted(NO_ORT, NO_SQLITE) } },
  { files: ['app/core/**/*-main.ts'], rules: { '@typescript-eslint/no-restricted-imports': restricted(NO_ELECTRON, NO_SQLITE) } },
  { files: ['app/core/platform/**/*.ts'], rules: { '@typescript-eslint/no-restricted-imports': restricted(NO_ELECTRON, NO_ORT) } },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': restricted({ ...NO_ELECTRON, allowTypeImports: true }),
      // A test looks at answers it did not type; what it expects of them is in the assertion.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['renderer/**/*.ts', 'renderer/**/*.tsx'],
    plugins: { 'react-hooks': reactHooks },
    rules: { 'react-hooks/rules-of-hooks': 'error', 'react-hooks/exhaustive-deps': 'error' },
  },
);

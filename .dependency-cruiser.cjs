/**
 * The house of docs/ARCHITECTURE.md as rules: contract <- core <- heads; inside core a domain may import only those before
 * it in DOMAINS, and only through their index.ts.
 */
const DOMAINS = [
  'platform',
  'onnx',
  'convert',
  'hardware',
  'trust',
  'datasets',
  'bundles',
  'distribution',
  'packs',
  'runtime',
  'quantize',
  'trials',
  'protocol',
  'transfer',
  'fleet',
  'telemetry',
];

/** A domain reaching up to one that comes after it. */
const onlyDownward = DOMAINS.slice(0, -1).map((domain, at) => ({
  name: `core-order-${domain}`,
  comment: `core/${domain} may import only: ${DOMAINS.slice(0, at).join(', ') || 'no other domain'}.`,
  severity: 'error',
  from: { path: `^app/core/${domain}/` },
  to: { path: `^app/core/(${DOMAINS.slice(at + 1).join('|')})/` },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'A cycle means that two files are one thing, or that a part is in the wrong room.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'contract-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^app/contract/' },
      to: { path: '^(app|renderer|native|boot|test)/', pathNot: '^app/contract/' },
    },
    {
      name: 'renderer-only-contract',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^(app|native|boot|test)/', pathNot: '^app/contract/' },
    },
    { name: 'core-no-heads', severity: 'error', from: { path: '^app/core/' }, to: { path: '^(app/(engine|cli|agent|electron)|renderer|boot|test)/' } },
    {
      name: 'native-no-app',
      comment: 'The addon and its twins know nothing of what uses them.',
      severity: 'error',
      from: { path: '^native/' },
      to: { path: '^(app|renderer|boot|test)/' },
    },
    {
      name: 'domain-only-through-index',
      severity: 'error',
      from: { path: '^(app|renderer|boot)/', pathNot: '^app/core/' },
      to: { path: '^app/core/[^/]+/', pathNot: '^app/core/[^/]+/index\\.ts$' },
    },
    {
      name: 'domain-only-through-index-in-core',
      severity: 'error',
      from: { path: '^app/core/([^/]+)/' },
      to: { path: '^app/core/[^/]+/', pathNot: ['^app/core/$1/', '^app/core/[^/]+/index\\.ts$'] },
    },
    ...onlyDownward,
    {
      name: 'heads-apart',
      comment: 'Heads do not import each other, except the command line, which can run the engine in its own process.',
      severity: 'error',
      from: { path: '^app/(engine|cli|agent|electron)/' },
      to: { path: '^app/(engine|cli|agent|electron)/', pathNot: ['^app/$1/', '^app/engine/index\\.ts$'] },
    },
    { name: 'only-cli-imports-engine', severity: 'error', from: { path: '^app/(agent|electron)/' }, to: { path: '^app/engine/' } },
    {
      name: 'electron-no-core',
      comment: 'The window speaks to the engine as a browser does.',
      severity: 'error',
      from: { path: '^app/electron/' },
      to: { path: '^app/core/' },
    },
    { name: 'app-no-test', severity: 'error', from: { path: '^(app|renderer|native|boot)/' }, to: { path: '^test/' } },
    { name: 'unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^dist/'] },
    exclude: { path: ['^native/build/', '^test/fixtures/', '^test/browser/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'require', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.cjs', '.mjs', '.json'],
    },
  },
};

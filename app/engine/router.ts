/** The contract, implemented: each procedure calls one service and nothing else. */
import { implement, ORPCError } from '@orpc/server';
import { type Change, contract, asEdgewrightError, EdgewrightError, type ErrorBody, type RunEvent } from '#contract';
import type { Core } from './core.ts';
import { MAX_CALLS } from './limits.ts';
import { kindOf } from './procedures.ts';

/** Who asked, for the log of who did what. */
export interface CallContext {
  actor: 'desktop' | 'command line';
  /** Unlocks the private keys before a call that may need them, where that is not done once at the start. */
  unlock?: () => Promise<void>;
}

export type AppRouter = ReturnType<typeof createRouter>;

export function createRouter(core: Core) {
  let calls = 0;
  const os = implement(contract)
    .$context<CallContext>()
    .use(async ({ next, path, context }, input) => {
      try {
        if (calls >= MAX_CALLS) throw tooBusy();
        calls += 1;
        try {
          const kind = kindOf(path);
          if (kind === 'asks' || kind === 'act') await context.unlock?.();
          if (kind !== 'act') return await next();
          core.keyring.checkUnlocked();
          return await core.audit.recorded({ actor: context.actor, path, input }, async () => next());
        } finally {
          calls -= 1;
        }
      } catch (error) {
        throw toRpcError(error, core);
      }
    });

  return os.router({
    system: {
      status: os.system.status.handler(() => core.status()),
      settings: os.system.settings.handler(() => core.db.settings()),
      saveSettings: os.system.saveSettings.handler(({ input, context }) =>
        core.write('saving settings', async () => {
          const saved = core.db.saveSettings(definedOnly(input));
          core.audit.record({ actor: context.actor, kind: 'settings.saved', message: `Changed the settings ${Object.keys(definedOnly(input)).join(', ')}` });
          core.changes.publish('settings');
          return saved;
        }),
      ),
      shutdown: os.system.shutdown.handler(() => {
        core.requestShutdown();
        return { ok: true as const };
      }),
    },
    hardware: {
      report: os.hardware.report.handler(async ({ input, signal }) => core.hardware({ fresh: input.fresh, ...(signal && { signal }) })),
    },
    providers: {
      list: os.providers.list.handler(() => core.providerPacks.list()),
      install: os.providers.install.handler(({ input, signal, context }) => core.providerPacks.install(input, context.actor, signal)),
      fetch: os.providers.fetch.handler(({ input, signal }) => core.providerPacks.fetch(input, signal)),
      verify: os.providers.verify.handler(({ input, signal }) => core.providerPacks.verify(input.name, input.jobId, signal)),
      remove: os.providers.remove.handler(({ input, context }) => core.providerPacks.remove(input.name, context.actor)),
    },
    models: {
      inspect: os.models.inspect.handler(({ input }) => core.models.inspect(input)),
      nodes: os.models.nodes.handler(({ input }) => core.models.nodes(input)),
      node: os.models.node.handler(({ input }) => core.models.node(input.ref, input.id)),
      neighbourhood: os.models.neighbourhood.handler(({ input }) => core.models.neighbourhood(input)),
      outline: os.models.outline.handler(({ input }) => core.models.outline(input)),
      tensors: os.models.tensors.handler(({ input }) => core.models.tensors(input)),
      tensorStats: os.models.tensorStats.handler(({ input, signal }) => core.models.tensorStats(input.ref, input.id, signal)),
      quantize: os.models.quantize.handler(({ input, signal }) => core.quantize(input, signal)),
      check: os.models.check.handler(({ input, signal }) => core.checker.check(input, signal)),
    },
    bundles: {
      list: os.bundles.list.handler(() => core.registry.list()),
      search: os.bundles.search.handler(({ input }) => core.registry.search(input)),
      show: os.bundles.show.handler(({ input }) => core.registry.show(input.ref)),
      build: os.bundles.build.handler(({ input, signal, context }) => core.bundles.build(input, context.actor, signal)),
      buildSample: os.bundles.buildSample.handler(({ input, signal, context }) => core.bundles.buildSample(input.jobId, context.actor, signal)),
      import: os.bundles.import.handler(({ input, context }) => core.imports.start(input, context.actor)),
      exportFile: os.bundles.exportFile.handler(({ input, signal, context }) => core.bundleFiles.export(input, context.actor, signal)),
      importFile: os.bundles.importFile.handler(({ input, signal, context }) => core.bundleFiles.import(input, context.actor, signal)),
      verify: os.bundles.verify.handler(({ input, signal }) => core.bundles.verify(input, signal)),
      sign: os.bundles.sign.handler(({ input, signal, context }) => core.bundles.sign(input, context.actor, signal)),
      extract: os.bundles.extract.handler(({ input, signal }) => core.bundles.extract(input, signal)),
      bom: os.bundles.bom.handler(({ input }) => core.registry.bom(input.ref)),
      remove: os.bundles.remove.handler(({ input, context }) => core.bundles.remove(input.ref, context.actor)),
    },
    registries: {
      push: os.registries.push.handler(({ input, signal, context }) => core.registries.push(input, context.actor, signal)),
      pull: os.registries.pull.handler(({ input, signal, context }) => core.registries.pull(input, context.actor, signal)),
      admit: os.registries.admit.handler(({ input, signal, context }) => core.registries.admit(input, context.actor, signal)),
    },
    uploads: {
      begin: os.uploads.begin.handler(({ input }) => core.uploads.begin(input.files)),
      write: os.uploads.write.handler(({ input }) => core.uploads.write(input)),
      drop: os.uploads.drop.handler(async ({ input }) => {
        await core.uploads.drop(input.id);
        return { ok: true as const };
      }),
    },
    store: {
      verify: os.store.verify.handler(({ input, signal, context }) => core.storeService.verify(input, context.actor, signal)),
      gc: os.store.gc.handler(({ input, signal, context }) => core.storeService.gc(input, context.actor, signal)),
      rebuild: os.store.rebuild.handler(({ input, signal, context }) => core.storeService.rebuild(input, context.actor, signal)),
    },
    trust: {
      list: os.trust.list.handler(() => core.trustedSigners.list()),
      read: os.trust.read.handler(({ input }) => core.trustedSigners.read(input)),
      add: os.trust.add.handler(({ input, signal, context }) => core.trustedSigners.add(input, context.actor, signal)),
      outlook: os.trust.outlook.handler(({ input }) => core.trustedSigners.outlook(input.who)),
      remove: os.trust.remove.handler(({ input, context }) => core.trustedSigners.remove(input.who, context.actor)),
      publicKey: os.trust.publicKey.handler(() => core.trustedSigners.publicKey()),
      judge: os.trust.judge.handler(({ input, signal }) => core.trustedSigners.judge(input, signal)),
    },
    administrators: {
      list: os.administrators.list.handler(() => core.administrators.list()),
      memberships: os.administrators.memberships.handler(() => core.administrators.memberships()),
      read: os.administrators.read.handler(({ input }) => core.administrators.read(input)),
      identity: os.administrators.identity.handler(({ input, context }) => core.administrators.identity(input.name, context.actor)),
      grant: os.administrators.grant.handler(({ input, context }) => core.administrators.grant(input, context.actor)),
      join: os.administrators.join.handler(({ input, context }) => core.administrators.join(input, context.actor)),
      leave: os.administrators.leave.handler(({ input, context }) => core.administrators.leave(input.who, context.actor)),
      revoke: os.administrators.revoke.handler(({ input, signal, context }) => core.administrators.revoke(input.who, input.reason, context.actor, signal)),
    },
    inference: {
      run: os.inference.run.handler(({ input, signal }) => core.inference.run(input, signal)),
      stream: os.inference.stream.handler(async function* ({ input, signal }): AsyncGenerator<RunEvent, void> {
        try {
          yield* core.inference.stream(input, signal);
        } catch (error) {
          throw toRpcError(error, core);
        }
      }),
      example: os.inference.example.handler(({ input }) => core.inference.example(input.ref, input.name)),
      benchmark: os.inference.benchmark.handler(({ input, signal }) => core.benchmarks.run(input, signal)),
    },
    trials: {
      start: os.trials.start.handler(({ input, context }) => core.trialRuns.start(input, context.actor)),
      list: os.trials.list.handler(() => core.trials.list()),
      show: os.trials.show.handler(({ input }) => core.trials.show(input.id)),
      samples: os.trials.samples.handler(({ input }) => core.trials.samples(input.id)),
    },
    devices: {
      list: os.devices.list.handler(() => core.devices.list()),
      show: os.devices.show.handler(({ input }) => core.devices.show(input.name)),
      add: os.devices.add.handler(({ input, signal, context }) => core.devices.add(input, context.actor, signal)),
      remove: os.devices.remove.handler(({ input, context }) => core.devices.remove(input.name, context.actor)),
      rollback: os.devices.rollback.handler(({ input, signal, context }) => core.deployments.rollback(input, context.actor, signal)),
    },
    deployments: {
      preflight: os.deployments.preflight.handler(({ input }) => core.deployments.preflight(input)),
      start: os.deployments.start.handler(({ input, context }) => core.deployments.start(input, context.actor)),
      list: os.deployments.list.handler(() => core.fleet.deployments()),
      show: os.deployments.show.handler(({ input }) => core.fleet.deployment(input.id)),
    },
    jobs: {
      list: os.jobs.list.handler(() => core.jobs.list()),
      get: os.jobs.get.handler(({ input }) => core.jobs.get(input.id)),
      watch: os.jobs.watch.handler(async function* ({ input, signal }) {
        yield* core.jobs.watch(input.id, signal ?? new AbortController().signal);
      }),
      cancel: os.jobs.cancel.handler(({ input }) => core.jobs.cancel(input.id)),
    },
    activity: {
      list: os.activity.list.handler(({ input }) => core.audit.list(input)),
    },
    audit: {
      verify: os.audit.verify.handler(({ input, signal }) => core.audit.verify(input.against, signal)),
      export: os.audit.export.handler(({ input, signal, context }) => core.audit.export(input.path, context.actor, signal)),
    },
    workspace: {
      keys: os.workspace.keys.handler(() => core.workspace.keys()),
      unlock: os.workspace.unlock.handler(({ input, context }) => core.workspace.unlock(input.passphrase, context.actor)),
      backup: os.workspace.backup.handler(({ input, signal, context }) => core.workspace.backup(input, context.actor, signal)),
      keep: os.workspace.keep.handler(({ input, context }) => core.workspace.keep(input, context.actor)),
    },
    changes: os.changes.handler(async function* ({ signal }): AsyncGenerator<Change, void> {
      yield* core.changes.stream(signal ?? new AbortController().signal);
    }),
  });
}

/** Drops keys that are there but undefined, which `partial()` allows and the database must not store. */
function definedOnly<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function tooBusy(): EdgewrightError {
  return new EdgewrightError({
    code: 'machine.engine-busy',
    message: 'The engine is answering too many calls at once.',
    expected: `at most ${MAX_CALLS}`,
    hint: 'Try again in a moment.',
    owner: 'machine',
  });
}

interface Issue {
  path?: readonly PropertyKey[];
  message?: string;
}

/** Every failure leaves as the contract's one error; what the schema refused names the field. */
function toRpcError(error: unknown, core: Core): ORPCError<'EDGEWRIGHT', ErrorBody> {
  const body = refusedInput(error) ?? asEdgewrightError(error).toBody();
  if (body.owner === 'bug') core.log.error({ error: error instanceof Error ? error.stack : String(error) }, 'unexpected failure');
  return new ORPCError('EDGEWRIGHT', { defined: true, status: 500, message: body.message, data: body });
}

function refusedInput(error: unknown): ErrorBody | undefined {
  if (!(error instanceof ORPCError) || error.code !== 'BAD_REQUEST') return undefined;
  const issues = ((error.data as { issues?: Issue[] } | undefined)?.issues ?? []).slice(0, 5);
  const found = issues.map((issue) => `${issue.path?.join('.') || 'input'}: ${issue.message ?? 'refused'}`).join('; ');
  return { code: 'usage.input', message: `What was asked for does not fit: ${found || error.message}.`, hint: 'Correct the named field.', owner: 'usage' };
}

/**
 * The one door between a screen or client and the core. Schemas, procedures, error codes, and how
 * numbers are written; nothing that runs.
 * The engine implements it once; the browser, Electron and the command line all speak it.
 */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { administratorProcedures } from './administrators.ts';
import { ActivitySchema, AuditVerdictSchema, ExportAuditSchema, ExportedAuditSchema, VerifyAuditSchema } from './audit.ts';
import { BenchmarkReportSchema, BenchmarkRequestSchema } from './benchmarks.ts';
import { BundleDetailSchema, BundleSummarySchema, ExtractedSchema, VariantBomSchema, VerifyResultSchema } from './bundles.ts';
import { CheckRequestSchema, CheckResultSchema } from './checks.ts';
import { JobIdSchema, NameSchema, RefSchema, WarningSchema } from './common.ts';
import { AddDeviceSchema, DeploymentSchema, DeploySpecSchema, DeviceDetailSchema, DeviceSchema, PreflightSchema, RollbackResultSchema } from './devices.ts';
import { ErrorBodySchema } from './errors.ts';
import { registries } from './distribution.ts';
import { HardwareReportSchema } from './hardware.ts';
import { ImportRequestSchema, ImportStartedSchema } from './imports.ts';
import { RunEventSchema, RunRequestSchema, RunResultSchema } from './inference.ts';
import { ChangeSchema, JobSchema } from './jobs.ts';
import { modelViews } from './model-questions.ts';
import { providerPacks } from './provider-packs.ts';
import { bundleProcedures, storeCare } from './store.ts';
import { SettingsSchema, StatusSchema } from './system.ts';
import { QuantizeRequestSchema, QuantizeResultSchema, TrialSchema, TrialSpecSchema, TrialSummarySchema } from './trials.ts';
import { SignBundleSchema, trustProcedures } from './trust.ts';
import { uploads } from './uploads.ts';
import { BackupRequestSchema, BackupResultSchema, KeepKeysSchema, KeptKeysSchema, KeysSchema, UnlockSchema } from './workspace.ts';

export * from './administrators.ts';
export * from './audit.ts';
export * from './benchmarks.ts';
export * from './bundles.ts';
export * from './checks.ts';
export * from './common.ts';
export * from './devices.ts';
export * from './distribution.ts';
export * from './errors.ts';
export * from './hardware.ts';
export { coresText, hardwareReportText } from './hardware-text.ts';
export * from './imports.ts';
export * from './inference.ts';
export * from './jobs.ts';
export * from './model-graph.ts';
export * from './model-questions.ts';
export * from './models.ts';
export * from './numbers.ts';
export * from './provider-packs.ts';
export * from './store.ts';
export * from './system.ts';
export * from './trials.ts';
export * from './trust.ts';
export * from './uploads.ts';
export * from './workspace.ts';

/** Every procedure may fail with one typed error, whose data is the ErrorBody that people and scripts see. */
const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });

/** Long work answers at once with the job; its result is read from the topic it changes. */
const JobStarted = z.object({ jobId: z.string() });
const ById = z.object({ id: z.string().max(200) });
const ByRef = z.object({ ref: RefSchema });
/** What was built, and what a person should know about it although it was. */
const Built = BundleSummarySchema.extend({ warnings: z.array(WarningSchema) });

export const contract = {
  system: {
    status: procedure.output(StatusSchema),
    settings: procedure.output(SettingsSchema),
    saveSettings: procedure.input(SettingsSchema.partial()).output(SettingsSchema),
    /** Ends the engine cleanly. */
    shutdown: procedure.output(z.object({ ok: z.literal(true) })),
  },
  hardware: {
    /** The last report, or a new one: `fresh` runs every probe again. */
    report: procedure.input(z.object({ fresh: z.boolean().default(false) })).output(HardwareReportSchema),
  },
  providers: providerPacks,
  models: {
    ...modelViews,
    /** Sound or not, and why: from the file alone, then loaded and run in a limited process. */
    check: procedure.input(CheckRequestSchema).output(CheckResultSchema),
    quantize: procedure.input(QuantizeRequestSchema).output(QuantizeResultSchema),
  },
  bundles: {
    list: procedure.output(z.array(BundleSummarySchema)),
    show: procedure.input(ByRef).output(BundleDetailSchema),
    /** Builds from a folder with edgewright.yaml: checked, loaded, golden set run, stored, signed. */
    build: procedure.input(z.object({ dir: z.string().max(4096), jobId: JobIdSchema })).output(Built),
    /** Builds the sample bundle that comes with Edgewright. */
    buildSample: procedure.input(z.object({ jobId: JobIdSchema }).default({})).output(Built),
    /** Takes in a bare model, or converts a framework's file first. */
    import: procedure.input(ImportRequestSchema).output(ImportStartedSchema),
    ...bundleProcedures,
    verify: procedure.input(ByRef.extend({ jobId: JobIdSchema })).output(VerifyResultSchema),
    /** This workspace signs a bundle that nobody trusted signed, because a person decided so; it is checked like a build first. */
    sign: procedure.input(SignBundleSchema).output(BundleSummarySchema),
    /** The bill of materials of a variant. */
    bom: procedure.input(ByRef).output(VariantBomSchema),
    /** Writes exactly the signed files of a variant into a new or empty folder, with the signature and its key. */
    extract: procedure.input(z.object({ ref: RefSchema, dir: z.string().min(1).max(4096), jobId: JobIdSchema })).output(ExtractedSchema),
    remove: procedure.input(ByRef).output(z.object({ ref: z.string(), freedBytes: z.number().int() })),
  },
  registries,
  uploads,
  store: storeCare,
  trust: trustProcedures,
  administrators: administratorProcedures,
  inference: {
    run: procedure.input(RunRequestSchema).output(RunResultSchema),
    /** The same, with generated text as it grows; ends with the result. */
    stream: procedure.input(RunRequestSchema).output(eventIterator(RunEventSchema)),
    /** An example input of the bundle, to look at. */
    example: procedure.input(z.object({ ref: RefSchema, name: z.string().max(255) })).output(z.object({ base64: z.string(), mediaType: z.string() })),
    benchmark: procedure.input(BenchmarkRequestSchema).output(BenchmarkReportSchema),
  },
  trials: {
    start: procedure.input(TrialSpecSchema).output(JobStarted.extend({ trialId: z.string() })),
    list: procedure.output(z.array(TrialSummarySchema)),
    show: procedure.input(ById).output(TrialSchema),
    /** Every counted run in ms, in the order taken: what the percentiles were computed from. */
    samples: procedure.input(ById).output(z.array(z.object({ variant: z.string(), machine: z.string(), ms: z.array(z.number()) }))),
  },
  devices: {
    list: procedure.output(z.array(DeviceSchema)),
    show: procedure.input(z.object({ name: z.string().max(200) })).output(DeviceDetailSchema),
    add: procedure.input(AddDeviceSchema).output(DeviceSchema),
    /** `told`: the device knows that it no longer belongs here; else `detail` says why not, and what follows. */
    remove: procedure.input(z.object({ name: z.string().max(200) })).output(z.object({ name: z.string(), told: z.boolean(), detail: z.string().optional() })),
    rollback: procedure.input(z.object({ device: z.string().max(200), model: NameSchema.optional() })).output(RollbackResultSchema),
  },
  deployments: {
    preflight: procedure.input(DeploySpecSchema).output(z.array(PreflightSchema)),
    start: procedure.input(DeploySpecSchema).output(JobStarted.extend({ deployments: z.array(z.string()) })),
    list: procedure.output(z.array(DeploymentSchema)),
    show: procedure.input(ById).output(DeploymentSchema),
  },
  jobs: {
    list: procedure.output(z.array(JobSchema)),
    get: procedure.input(ById).output(JobSchema),
    /** The job now, then at every change, until it ends. */
    watch: procedure.input(ById).output(eventIterator(JobSchema)),
    cancel: procedure.input(ById).output(JobSchema),
  },
  activity: {
    list: procedure
      .input(
        z.object({
          before: z.number().int().optional(),
          limit: z.number().int().min(1).max(500).default(100),
          /** What was only asked for too, not just what was done or failed. */
          asked: z.boolean().default(false),
          /** Only lines that lead to this path of the screens. */
          link: z.string().max(400).optional(),
        }),
      )
      .output(z.array(ActivitySchema)),
  },
  audit: {
    verify: procedure.input(VerifyAuditSchema).output(AuditVerdictSchema),
    export: procedure.input(ExportAuditSchema).output(ExportedAuditSchema),
  },
  workspace: {
    keys: procedure.output(KeysSchema),
    /** Makes the private keys usable until the engine ends. */
    unlock: procedure.input(UnlockSchema).output(KeysSchema),
    /** Keeps the private keys another way. */
    keep: procedure.input(KeepKeysSchema).output(KeptKeysSchema),
    /** One encrypted file that brings the workspace back elsewhere. */
    backup: procedure.input(BackupRequestSchema).output(BackupResultSchema),
  },
  /** What changed, as it changes. A client that falls behind sees a gap in `seq` and reads everything again. */
  changes: procedure.output(eventIterator(ChangeSchema)),
};

export type Contract = typeof contract;

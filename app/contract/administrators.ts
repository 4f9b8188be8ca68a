/** Other laptops that may manage the devices of this workspace with keys of their own, and workspaces whose devices this one may manage. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { FingerprintSchema, NameSchema, TimestampSchema } from './common.ts';
import { ErrorBodySchema } from './errors.ts';

/** What people call a laptop or a workspace. */
const PersonName = z.string().min(1).max(80);

/** Days that a grant counts where nobody says otherwise, and at most. */
export const DEFAULT_GRANT_DAYS = 30;
export const MAX_GRANT_DAYS = 366;
/** Largest file that an administrator hands over or gets, in characters. */
export const MAX_ADMINISTRATOR_TEXT = 3 * 1024 * 1024;

export const AdministratorSchema = z.object({
  name: z.string(),
  /** Of the signing key: what the two laptops compare. */
  fingerprint: FingerprintSchema,
  /** `revoked` wins over `expired`. */
  state: z.enum(['valid', 'expired', 'revoked']),
  /** Absent where only the revocation is known: the workspace was restored from a backup of before the grant. */
  grantedAt: TimestampSchema.optional(),
  until: TimestampSchema.optional(),
  revokedAt: TimestampSchema.optional(),
  /** Each device of this workspace. */
  devices: z.array(
    z.object({
      name: NameSchema,
      /** Whether it holds the newest list of who is revoked. One that does not still obeys whom it does not know to be revoked. */
      told: z.boolean(),
      /** When the administrator last came to it, by its own clock. */
      seenAt: TimestampSchema.optional(),
      /** What it serves because this administrator had it deployed, `name@version#variant`. A revocation does not stop that. */
      serves: z.array(z.string()),
    }),
  ),
});
export type Administrator = z.infer<typeof AdministratorSchema>;

/** A workspace whose devices this one may manage. */
export const MembershipSchema = z.object({
  workspaceId: z.string(),
  name: z.string(),
  /** Of that workspace's signing key. */
  fingerprint: FingerprintSchema,
  state: z.enum(['valid', 'expired']),
  joinedAt: TimestampSchema,
  until: TimestampSchema,
  /** Its devices, as they are called here. */
  devices: z.array(NameSchema),
});
export type Membership = z.infer<typeof MembershipSchema>;

/** The content of a file, or where it is on this computer. */
const Given = { text: z.string().max(MAX_ADMINISTRATOR_TEXT).optional(), path: z.string().min(1).max(4096).optional() };
const oneOf = (given: { text?: string | undefined; path?: string | undefined }) => (given.text === undefined) !== (given.path === undefined);
const ONE_OF = { message: 'give either the text or a file', path: ['text'] };

/** What a file that was handed over says, once it was found to be whole. Whose it is, people compare by the fingerprint. */
export const ReadAdministratorFileSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('identity'),
    /** What the other laptop calls itself. */
    name: z.string(),
    fingerprint: FingerprintSchema,
    /** As what it is known here already. */
    known: AdministratorSchema.optional(),
  }),
  z.object({
    kind: z.literal('grant'),
    workspaceId: z.string(),
    /** What the workspace calls itself. */
    name: z.string(),
    fingerprint: FingerprintSchema,
    /** What it calls this laptop. */
    administrator: z.string(),
    issuedAt: TimestampSchema,
    until: TimestampSchema,
    /** The devices, as that workspace calls them. */
    devices: z.array(z.string()),
  }),
]);
export type ReadAdministratorFile = z.infer<typeof ReadAdministratorFileSchema>;

/** `fingerprint`: the one that a person compared; a file of another key is refused. */
export const GrantRequestSchema = z
  .object({
    ...Given,
    fingerprint: FingerprintSchema,
    /** What to call the administrator; else as the laptop calls itself. */
    name: PersonName.optional(),
    days: z.number().int().min(1).max(MAX_GRANT_DAYS).default(DEFAULT_GRANT_DAYS),
  })
  .refine(oneOf, ONE_OF);

export const JoinRequestSchema = z
  .object({
    ...Given,
    fingerprint: FingerprintSchema,
    /** What to call the workspace here; else as it calls itself. */
    name: PersonName.optional(),
  })
  .refine(oneOf, ONE_OF);

export const JoinedSchema = z.object({
  membership: MembershipSchema,
  /** Devices that are new here, by the names they got here. */
  added: z.array(NameSchema),
  /** Those that could not keep their name, because a device here has it. */
  renamed: z.array(z.object({ from: z.string(), to: NameSchema })),
  /** Those left out, and why. */
  left: z.array(z.object({ name: z.string(), why: z.string() })),
});
export type Joined = z.infer<typeof JoinedSchema>;

const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });

export const administratorProcedures = {
  /** Whose keys besides this workspace's own may give orders to its devices, the revoked ones too. */
  list: procedure.output(z.array(AdministratorSchema)),
  /** Workspaces whose devices this one may manage. */
  memberships: procedure.output(z.array(MembershipSchema)),
  /** The file of public keys to hand over to the workspace that is to grant. */
  identity: procedure.input(z.object({ name: PersonName.optional() })).output(z.object({ text: z.string(), name: z.string(), fingerprint: FingerprintSchema })),
  /** What an identity or a grant says, before anything is done with it. */
  read: procedure.input(z.object(Given).refine(oneOf, ONE_OF)).output(ReadAdministratorFileSchema),
  /** `text` is the file to hand back; `fingerprint` this workspace's own, which the other laptop shows. */
  grant: procedure.input(GrantRequestSchema).output(z.object({ administrator: AdministratorSchema, text: z.string(), fingerprint: FingerprintSchema })),
  join: procedure.input(JoinRequestSchema).output(JoinedSchema),
  /** Forgets a workspace that was joined, with its devices; by name, id or fingerprint. The devices go on. */
  leave: procedure.input(z.object({ who: z.string().min(1).max(200) })).output(MembershipSchema),
  /** For good, by name, fingerprint or its beginning: the devices that can be reached are told at once, the others when they are next reached. */
  revoke: procedure.input(z.object({ who: z.string().min(1).max(200), reason: z.string().max(500).optional() })).output(AdministratorSchema),
};

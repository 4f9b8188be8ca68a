/**
 * An order that stands for itself: who gave it, to which device, by which grant, as which of his orders. A device takes each
 * counter of an administrator once and only upwards, so an order that somebody kept is of no use later or elsewhere.
 */
import { z } from 'zod';
import { EdgewrightError } from '#contract';
import { type Grant, type Keyring, type Note, openNote, signNote } from '#core/trust';
import { MAX_SIGNED_ORDER_BYTES } from './limits.ts';
import { DeploymentOrderSchema, IdSchema } from './messages.ts';

const StatementSchema = z.strictObject({
  v: z.literal(1),
  workspaceId: IdSchema,
  deviceId: IdSchema,
  /** Serial of the grant that it rests on. */
  grant: z.string().max(64),
  /** Counts the orders of one administrator to one device. */
  counter: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
  order: DeploymentOrderSchema,
});
export type OrderStatement = z.infer<typeof StatementSchema>;

/** @throws machine.keys-locked */
export function signOrder(keyring: Pick<Keyring, 'sign' | 'fingerprint'>, statement: Omit<OrderStatement, 'v'>): Note {
  return signNote(keyring, 'order', { v: 1, ...statement } satisfies OrderStatement);
}

/**
 * The order in a statement, once it is one of this administrator, to this device, by this grant.
 * @throws trust.order-wrong, trust.order-elsewhere
 */
export function openOrder(note: unknown, grant: Grant, deviceId: string): OrderStatement {
  let statement: OrderStatement;
  try {
    statement = openNote(note, 'order', StatementSchema, grant.signer, MAX_SIGNED_ORDER_BYTES);
  } catch (cause) {
    throw refused('order-wrong', 'The order was altered, or was not given by the administrator that the grant names.', {}, cause);
  }
  if (statement.deviceId !== deviceId || statement.workspaceId !== grant.workspaceId) {
    throw refused('order-elsewhere', 'The order was given to another device.', { expected: deviceId, found: statement.deviceId });
  }
  if (statement.grant !== grant.serial) throw refused('order-wrong', 'The order rests on another grant.', { expected: grant.serial, found: statement.grant });
  return statement;
}

function refused(code: string, message: string, detail: { expected?: string; found?: string }, cause?: unknown): EdgewrightError {
  return new EdgewrightError({ code: `trust.${code}`, message, ...detail, owner: 'trust' }, { cause });
}

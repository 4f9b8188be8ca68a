/**
 * Every failure a person or a script can meet carries a stable code, what was expected and found, a hint that says
 * what to do, and whose it is. It is mapped once to an exit code, an HTTP status and a screen text.
 */
import { z } from 'zod';

/** Whose failure it is: decides the exit code and the tone of the message. */
export const OwnerSchema = z.enum(['input', 'gate', 'device', 'network', 'trust', 'machine', 'usage', 'bug', 'cancelled']);
export type Owner = z.infer<typeof OwnerSchema>;

export const ErrorBodySchema = z.object({
  /** Stable, dotted, lower-case: `bundle.field-wrong`. Scripts may compare it. */
  code: z.string(),
  message: z.string(),
  expected: z.string().optional(),
  found: z.string().optional(),
  /** What the person can do about it. */
  hint: z.string().optional(),
  owner: OwnerSchema,
});
export type ErrorBody = z.infer<typeof ErrorBodySchema>;

export class EdgewrightError extends Error {
  readonly code: string;
  readonly owner: Owner;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly hint: string | undefined;

  constructor(body: ErrorBody, options?: { cause?: unknown }) {
    super(body.message, options);
    this.name = 'EdgewrightError';
    this.code = body.code;
    this.owner = body.owner;
    this.expected = body.expected;
    this.found = body.found;
    this.hint = body.hint;
  }

  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.expected !== undefined && { expected: this.expected }),
      ...(this.found !== undefined && { found: this.found }),
      ...(this.hint !== undefined && { hint: this.hint }),
      owner: this.owner,
    };
  }
}

/** Exit codes are a public promise: see the README. */
const EXIT_CODES: Record<Owner, number> = {
  bug: 1,
  input: 2,
  gate: 3,
  device: 4,
  network: 4,
  trust: 5,
  machine: 6,
  usage: 64,
  cancelled: 130,
};

export function exitCodeOf(owner: Owner): number {
  return EXIT_CODES[owner];
}

/** HTTP status for an error that leaves through a REST door (device management, inference). */
const HTTP_STATUS: Record<Owner, number> = {
  bug: 500,
  input: 400,
  gate: 409,
  device: 502,
  network: 502,
  trust: 403,
  machine: 507,
  usage: 400,
  cancelled: 499,
};

export function httpStatusOf(owner: Owner): number {
  return HTTP_STATUS[owner];
}

function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function systemPath(error: unknown): string {
  return typeof error === 'object' && error !== null && 'path' in error && typeof error.path === 'string' ? ` (${error.path})` : '';
}

function damagedDatabase(path: string): ErrorBody {
  return {
    code: 'machine.database-damaged',
    message: `A database of the workspace is damaged and cannot be read${path}.`,
    hint: 'Put the file back from a backup, or move it away and start again without what it held.',
    owner: 'machine',
  };
}

function diskFull(path: string): ErrorBody {
  return {
    code: 'machine.disk-full',
    message: `The disk is full${path}.`,
    hint: 'Free some space, then run it again. Nothing was half written.',
    owner: 'machine',
  };
}

function diskFailed(path: string): ErrorBody {
  return {
    code: 'machine.disk-failed',
    message: `The disk failed, or is no longer there${path}.`,
    hint: 'Look at the disk or stick and its connection, then run it again.',
    owner: 'machine',
  };
}

/** Errors of the operating system that have a plain cause and remedy; anything else unknown is our bug. */
const SYSTEM_ERRORS: Record<string, (path: string) => ErrorBody> = {
  ENOSPC: diskFull,
  EDQUOT: (path) => ({
    code: 'machine.disk-full',
    message: `The disk quota is used up${path}.`,
    hint: 'Free some space, then run it again. Nothing was half written.',
    owner: 'machine',
  }),
  SQLITE_FULL: diskFull,
  // Where SQLite keeps its index of the log: a file that it makes larger before it writes to it.
  SQLITE_IOERR_SHMSIZE: diskFull,
  EACCES: (path) => ({
    code: 'machine.permission',
    message: `No permission${path}.`,
    hint: 'Give this user access to it, or name another folder with EDGEWRIGHT_HOME.',
    owner: 'machine',
  }),
  EPERM: (path) => ({
    code: 'machine.permission',
    message: `Not permitted${path}.`,
    hint: 'Give this user access to it, or name another folder with EDGEWRIGHT_HOME.',
    owner: 'machine',
  }),
  EROFS: (path) => ({
    code: 'machine.read-only',
    message: `The file system is read-only${path}.`,
    hint: 'Mount it writable, or name another folder with EDGEWRIGHT_HOME.',
    owner: 'machine',
  }),
  SQLITE_READONLY: (path) => ({
    code: 'machine.read-only',
    message: `The workspace cannot be written${path}.`,
    hint: 'Make it writable, or name another folder with EDGEWRIGHT_HOME.',
    owner: 'machine',
  }),
  SQLITE_NOTADB: damagedDatabase,
  SQLITE_CORRUPT: damagedDatabase,
  SQLITE_CANTOPEN: (path) => ({
    code: 'machine.cannot-open',
    message: `A database of the workspace cannot be opened${path}.`,
    hint: 'See that it is a file and not a folder, and that this user may read and write it.',
    owner: 'machine',
  }),
  SQLITE_IOERR: (path) => ({
    code: 'machine.disk-failed',
    message: `The disk failed while a database of the workspace was read or written${path}.`,
    hint: 'Look at the state of the disk, then run it again.',
    owner: 'machine',
  }),
  EIO: diskFailed,
  ENXIO: diskFailed,
  ENODEV: diskFailed,
  EFBIG: (path) => ({
    code: 'machine.file-too-large',
    message: `The file system takes no file of this size${path}.`,
    hint: 'A stick formatted as FAT32 takes files up to 4 GB; format it as exFAT, or use another one.',
    owner: 'machine',
  }),
  EADDRINUSE: () => ({
    code: 'machine.port-in-use',
    message: 'The port is in use by another program.',
    hint: 'Choose another port, or stop the program that holds it.',
    owner: 'machine',
  }),
  EMFILE: () => ({
    code: 'machine.too-many-files',
    message: 'This process may not open more files.',
    hint: 'Raise the open-file limit (ulimit -n).',
    owner: 'machine',
  }),
  ENOENT: (path) => ({
    code: 'usage.missing-file',
    message: `No such file or folder${path}.`,
    hint: 'Check the path; relative paths start at the folder you are in.',
    owner: 'usage',
  }),
  EISDIR: (path) => ({ code: 'usage.not-a-file', message: `A file was expected, a folder found${path}.`, owner: 'usage' }),
  ENOTDIR: (path) => ({ code: 'usage.not-a-folder', message: `A folder was expected, a file found${path}.`, owner: 'usage' }),
};

/** Turns anything thrown into an EdgewrightError. What nobody foresaw is our bug, and says so. */
export function asEdgewrightError(error: unknown): EdgewrightError {
  if (error instanceof EdgewrightError) return error;
  if (typeof error === 'object' && error !== null && 'data' in error) {
    const body = ErrorBodySchema.safeParse(error.data);
    if (body.success) return new EdgewrightError(body.data, { cause: error });
  }
  if (error instanceof Error && error.name === 'TimeoutError') {
    const hint = 'This machine may be busy; try again, or with less.';
    return new EdgewrightError({ code: 'machine.timeout', message: 'It took longer than it may and was stopped.', hint, owner: 'machine' }, { cause: error });
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return new EdgewrightError({ code: 'cancelled', message: 'Cancelled.', owner: 'cancelled' }, { cause: error });
  }
  const code = systemCode(error) ?? '';
  // SQLite's extended codes (SQLITE_CORRUPT_INDEX) begin with the plain one.
  const known = SYSTEM_ERRORS[code] ?? SYSTEM_ERRORS[code.split('_').slice(0, 2).join('_')];
  if (known) return new EdgewrightError(known(systemPath(error)), { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new EdgewrightError(
    { code: 'bug', message: `Unexpected: ${message}`, hint: 'This is a fault in Edgewright. Please report it with the log.', owner: 'bug' },
    { cause: error },
  );
}

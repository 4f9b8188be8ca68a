/** Files that a browser window hands over: it may not say where they lie, so their bytes are copied to the engine, piece by piece. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { ErrorBodySchema } from './errors.ts';

/** Most bytes of one piece. */
export const UPLOAD_PIECE_BYTES = 4 * 1024 * 1024;
/** Most files of one upload: a model and what lies beside it. */
export const MAX_UPLOAD_FILES = 64;

const MAX_PIECE_CHARS = Math.ceil(UPLOAD_PIECE_BYTES / 3) * 4;

export const UploadSchema = z.object({
  id: z.uuid(),
  /** Where each file is, in the order they were named: in a folder of their own that ends with the upload. */
  paths: z.array(z.string()),
});
export type Upload = z.infer<typeof UploadSchema>;

const procedure = oc.errors({ EDGEWRIGHT: { data: ErrorBodySchema } });

/** Stands among the procedures as `uploads`. */
export const uploads = {
  begin: procedure
    .input(
      z.object({
        files: z
          .array(z.object({ name: z.string().min(1).max(255), bytes: z.number().int().min(0) }))
          .min(1)
          .max(MAX_UPLOAD_FILES),
      }),
    )
    .output(UploadSchema),
  /** The next piece of one file, counted from 0. Pieces come in order. */
  write: procedure
    .input(z.object({ id: z.uuid(), file: z.number().int().min(0), offset: z.number().int().min(0), base64: z.base64().max(MAX_PIECE_CHARS) }))
    .output(z.object({ bytes: z.number().int() })),
  /** Removes what was copied; with it the paths end. */
  drop: procedure.input(z.object({ id: z.uuid() })).output(z.object({ ok: z.literal(true) })),
};

/** Parts that several schemas of recipes and answers use. */
import { z } from 'zod';

export const Finite = z.number().refine(Number.isFinite, 'a finite number');

/** A file of the bundle, by its path in it. */
export const BundlePath = z
  .string()
  .min(1)
  .max(512)
  .refine((path) => path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') && !/[\\\0]/.test(path), 'a path inside the bundle, with /');

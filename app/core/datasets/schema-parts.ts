/** Parts that several schemas of recipes and answers use. */
import { z } from 'zod';

export const Finite = z.number().refine(Number.isFinite, 'a finite number');

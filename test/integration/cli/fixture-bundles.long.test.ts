/** Every fixture model the whole way in. Needs ../shared/fixtures; says so loudly where it is not there. */
import { describe } from 'vitest';
import { fixtureModels, SHARED_FIXTURES } from '../../lib/fixture-bundles.ts';
import { describeWayIn } from '../../lib/way-in.ts';

const models = fixtureModels();
if (models.length === 0) console.warn(`SKIPPED: no fixtures at ${SHARED_FIXTURES}; real models were not taken through.`);

describe.skipIf(models.length === 0)('every fixture model', () => describeWayIn(models, SHARED_FIXTURES));

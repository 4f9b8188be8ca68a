import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import type { BundleSummary, RawInput } from '#contract';
import { Page } from '../../frame/page.tsx';
import { orpc } from '../../lib/engine.ts';
import { refOf, variantRef } from '../../lib/refs.ts';
import { SelectField } from '../../parts/field.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { playgroundRoute } from '../../routes.ts';
import { AnswerPanel } from './answer-panel.tsx';
import { InputPane } from './input-pane.tsx';
import styles from './playground.module.css';
import { topLabel } from './top-label.ts';
import { usePicture } from './use-picture.ts';
import { useRuns } from './use-runs.ts';

export function PlaygroundScreen(): ReactNode {
  const bundles = useQuery(orpc.bundles.list.queryOptions());
  const usable = bundles.data?.filter((bundle) => bundle.state === 'sound').toSorted((a, b) => b.createdAt - a.createdAt) ?? [];
  if (usable.length > 0) return <Ready bundles={usable} />;
  return (
    <Page title="Playground" status="Runs a model on this computer, with no network.">
      <QueryView query={bundles} what="Reading the bundles">
        {() => (
          <Empty title="No sound bundle to run">
            <p>
              <Link to="/bundles">Add a bundle</Link> first: the sample reads handwritten digits.
            </p>
          </Empty>
        )}
      </QueryView>
    </Page>
  );
}

function Ready({ bundles }: { bundles: readonly BundleSummary[] }) {
  const search = playgroundRoute.useSearch();
  const navigate = useNavigate();
  const bundle = bundles.find((each) => refOf(each) === search.ref) ?? bundles[0];
  const ref = bundle ? refOf(bundle) : '';
  const variants = bundle?.variants.map((variant) => variant.name) ?? [];
  const variant = variants.find((name) => name === search.variant) ?? variants[0] ?? '';
  const [second, setSecond] = useState('');
  // An input belongs to the bundle it was given for, however the bundle is changed.
  const [given, setGiven] = useState<{ ref: string; input: RawInput | undefined }>();
  const input = given?.ref === ref ? given.input : undefined;
  const setInput = (next: RawInput | undefined): void => setGiven({ ref, input: next });
  const { state: main, run, stop, reset } = useRuns();
  const { state: beside, run: runBeside, stop: stopBeside, reset: resetBeside } = useRuns();
  const picture = usePicture(ref, input);
  const other = variants.includes(second) && second !== variant ? second : '';

  // The same input is run again when the bundle or a variant is changed.
  useEffect(() => {
    if (input) run(variantRef(ref, variant), input);
    else reset();
  }, [input, ref, variant, run, reset]);
  useEffect(() => {
    if (input && other !== '') runBeside(variantRef(ref, other), input);
    else resetBeside();
  }, [input, ref, other, runBeside, resetBeside]);

  const choose = (nextRef: string, nextVariant?: string): void => {
    void navigate({ to: '/playground', search: { ref: nextRef, ...(nextVariant !== undefined && { variant: nextVariant }) }, replace: true });
  };
  const differ = other !== '' && main.result !== undefined && beside.result !== undefined && topLabel(main.result.answer) !== topLabel(beside.result.answer);
  const top = main.result && topLabel(main.result.answer);
  return (
    <Page
      title="Playground"
      status={
        main.error !== undefined
          ? `${ref} ${variant} did not run on this input.`
          : top === undefined
            ? `${ref} ${variant} is ready to run on this computer, with no network.`
            : `${variant} ${main.result?.answer.kind === 'text' ? 'writes' : 'reads'} ${top.trim()}.${other === '' ? '' : differ ? ` ${other} differs.` : ` ${other} agrees.`}`
      }
    >
      <div className={styles.room}>
        <div className={styles.chooser}>
          <SelectField
            label="Bundle"
            value={ref}
            options={bundles.map((each) => ({ value: refOf(each), label: refOf(each) }))}
            onChange={(event) => choose(event.currentTarget.value)}
          />
          <SelectField
            label="Variant"
            value={variant}
            options={variants.map((name) => ({ value: name, label: name }))}
            onChange={(event) => choose(ref, event.currentTarget.value)}
          />
          <SelectField
            label="Beside it"
            value={other}
            disabled={variants.length < 2}
            options={[
              { value: '', label: variants.length < 2 ? 'no second variant yet' : 'none' },
              ...variants.filter((name) => name !== variant).map((name) => ({ value: name, label: name })),
            ]}
            onChange={(event) => setSecond(event.currentTarget.value)}
          />
        </div>
        <div className={styles.bench}>
          <InputPane
            key={ref}
            bundleRef={ref}
            running={main.running || beside.running}
            picture={picture}
            onInput={setInput}
            onStop={() => {
              stop();
              stopBeside();
            }}
          />
          <div className={styles.answers}>
            <AnswerPanel title={variant} state={main} picture={picture} />
            {other !== '' && <AnswerPanel title={other} state={beside} against={main.result} picture={picture} />}
          </div>
        </div>
      </div>
    </Page>
  );
}

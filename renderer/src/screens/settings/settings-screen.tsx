import { useMutation, useQuery } from '@tanstack/react-query';
import { Fragment, type ReactNode, useEffect, useState } from 'react';
import type { Settings, Status } from '#contract';
import { Page } from '../../frame/page.tsx';
import { client, orpc, queryClient } from '../../lib/engine.ts';
import { bytes, plural } from '../../lib/format.ts';
import { Button } from '../../parts/button.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Facts, Section } from '../../parts/facts.tsx';
import { Check, Choice, TextField } from '../../parts/field.tsx';
import { GateList } from '../../parts/gate-list.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/placeholder.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { AdministratorsSection } from '../administrators/administrators-section.tsx';
import { SignersSection } from '../trust/signers-section.tsx';
import { KeysSection } from './keys-section.tsx';
import styles from './settings.module.css';

export function SettingsScreen(): ReactNode {
  const query = useQuery(orpc.system.settings.queryOptions());
  const status = useQuery(orpc.system.status.queryOptions());
  const [filter, setFilter] = useState('');
  const save = useMutation({
    mutationFn: (change: Partial<Settings>) => client.system.saveSettings(change),
    // Shown at once; put back when it could not be saved.
    onMutate: (change) => {
      // An answer that is still under way knows nothing of this change and must not undo it on screen.
      void queryClient.cancelQueries({ queryKey: orpc.system.settings.queryKey() });
      const before = queryClient.getQueryData(orpc.system.settings.queryKey());
      if (before) queryClient.setQueryData(orpc.system.settings.queryKey(), { ...before, ...change });
      return { before };
    },
    onSuccess: (settings) => queryClient.setQueryData(orpc.system.settings.queryKey(), settings),
    onError: (_error, _change, context) => context?.before && queryClient.setQueryData(orpc.system.settings.queryKey(), context.before),
  });
  const change = save.mutate;
  const saved = (section: (settings: Settings) => ReactNode) => () => query.data && section(query.data);
  /** What each section is found by, beside its title. */
  const sections = [
    { title: 'How it looks', words: 'scheme light dark density compact comfortable', show: saved((settings) => <Looks settings={settings} save={change} />) },
    { title: 'Gates a new trial starts with', words: 'defaults limits accuracy', show: saved((settings) => <Gates settings={settings} save={change} />) },
    { title: 'Watch a new deployment starts with', words: 'seconds requests rollback', show: saved((settings) => <Watch settings={settings} save={change} />) },
    { title: 'Practice device', words: 'agent', show: saved((settings) => <Practice settings={settings} save={change} />) },
    { title: 'Private keys', words: 'passphrase keychain lock unlock signing fingerprint', show: () => <KeysSection /> },
    { title: 'Trusted signers', words: 'trust public key certificate authority fingerprint quarantine', show: () => <SignersSection /> },
    { title: 'Administrators', words: 'laptop grant join revoke identity devices', show: () => <AdministratorsSection /> },
    {
      title: 'Workspace',
      words: 'folder home disk engine version onnx runtime node',
      show: () => (
        <Section title="Workspace">
          <QueryView query={status} what="Asking the engine">
            {(data) => <Workspace status={data} />}
          </QueryView>
        </Section>
      ),
    },
  ];
  const wanted = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = sections.filter(({ title, words }) => wanted.every((word) => `${title} ${words}`.toLowerCase().includes(word)));
  return (
    <Page title="Settings" padded status="Kept in this workspace and saved as they are changed; every window on it shows the same.">
      {save.isError && (
        <div className={styles.banner}>
          <ErrorPanel error={save.error} title="The change was not saved." />
        </div>
      )}
      <div className={styles.find}>
        <TextField label="Find a setting" hideLabel placeholder="Find a setting" value={filter} onChange={(event) => setFilter(event.currentTarget.value)} />
        <span role="status" className="dim small">
          {filter.trim() === '' ? '' : plural(shown.length, 'section')}
        </span>
      </div>
      {query.data === undefined && (
        <QueryView query={query} what="Reading the settings">
          {() => null}
        </QueryView>
      )}
      {shown.map(({ title, show }) => (
        <Fragment key={title}>{show()}</Fragment>
      ))}
      {shown.length === 0 && (
        <Empty title="No setting matches">
          <p>Change or clear the words to see them all.</p>
        </Empty>
      )}
    </Page>
  );
}

interface Saved {
  settings: Settings;
  save: (change: Partial<Settings>) => void;
}

function Looks({ settings, save }: Saved) {
  return (
    <Section title="How it looks">
      <div className={styles.row}>
        <Choice
          label="Scheme"
          value={settings.scheme}
          onChange={(scheme) => save({ scheme })}
          options={[
            { value: 'system', label: 'As the system' },
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
          ]}
        />
        <Choice
          label="Density"
          value={settings.density}
          onChange={(density) => save({ density })}
          options={[
            { value: 'compact', label: 'Compact' },
            { value: 'comfortable', label: 'Comfortable' },
          ]}
        />
      </div>
    </Section>
  );
}

function Gates({ settings, save }: Saved) {
  const [gates, setGates] = useState(settings.defaultGates);
  const saved = settings.defaultGates;
  const savedText = JSON.stringify(saved);
  const [shownText, setShownText] = useState(savedText);
  // Another window saved other gates: show those.
  if (shownText !== savedText) {
    setShownText(savedText);
    setGates(saved);
  }
  const edited = gates.map((gate) => gate.trim()).filter((gate) => gate !== '');
  return (
    <Section title="Gates a new trial starts with">
      <div className={styles.gates}>
        <GateList gates={gates} onChange={setGates} />
        {JSON.stringify(edited) !== savedText && (
          <div className={styles.actions}>
            <Button kind="primary" onClick={() => save({ defaultGates: edited })}>
              Save the gates
            </Button>
            <Button onClick={() => setGates(settings.defaultGates)}>Discard the changes</Button>
          </div>
        )}
      </div>
    </Section>
  );
}

function Watch({ settings, save }: Saved) {
  return (
    <Section title="Watch a new deployment starts with">
      <div className={styles.row}>
        <WholeNumber label="At least" unit="seconds" value={settings.watchSeconds} high={7 * 86_400} save={(watchSeconds) => save({ watchSeconds })} />
        <WholeNumber label="and at least" unit="requests" value={settings.watchRequests} high={1_000_000} save={(watchRequests) => save({ watchRequests })} />
      </div>
      <p className="dim">A new bundle is committed only after both; until then the device puts the one before it back by itself if it misbehaves.</p>
    </Section>
  );
}

function Practice({ settings, save }: Saved) {
  return (
    <Section title="Practice device">
      <Check
        label="Run an agent on this computer to practise with"
        note="A real agent in a process and folder of its own, enrolled like any other. Takes effect when Edgewright is started again."
        checked={settings.practiceDevice}
        onChange={(event) => save({ practiceDevice: event.currentTarget.checked })}
      />
    </Section>
  );
}

/** A number that is saved when it is left or Enter is pressed, and only when it makes sense. */
function WholeNumber({ label, unit, value, high, save }: { label: string; unit: string; value: number; high: number; save: (value: number) => void }) {
  const [text, setText] = useState(String(value));
  useEffect(() => setText(String(value)), [value]);
  const next = Number(text);
  const ok = text.trim() !== '' && Number.isInteger(next) && next >= 0 && next <= high;
  const commit = (): void => {
    if (ok && next !== value) save(next);
  };
  return (
    <div className={styles.number}>
      <TextField
        label={label}
        unit={unit}
        inputMode="numeric"
        value={text}
        problem={ok ? undefined : `A whole number from 0 to ${high}`}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={commit}
        onKeyDown={(event) => event.key === 'Enter' && commit()}
      />
    </div>
  );
}

const PRACTICE = {
  off: { tone: 'neutral', word: 'Off' },
  starting: { tone: 'running', word: 'Starting' },
  running: { tone: 'good', word: 'Running' },
  failed: { tone: 'bad', word: 'Failed' },
} as const;

function Workspace({ status }: { status: Status }) {
  return (
    <Facts
      items={[
        { name: 'Folder', value: <Copyable text={status.home} label="Copy the workspace folder" /> },
        { name: 'Chosen by', value: 'EDGEWRIGHT_HOME, else the user\u2019s data folder' },
        { name: 'Workspace id', value: <code>{status.workspaceId}</code> },
        { name: 'Disk free', value: bytes(status.diskFreeBytes) },
        { name: 'Practice device', value: <Meaning {...PRACTICE[status.practiceDevice]} reason={status.practiceProblem} inline /> },
        { name: 'Engine', value: `Edgewright ${status.version}, process ${status.pid}` },
        { name: 'Running since', value: <Moment at={status.startedAt} /> },
        { name: 'ONNX Runtime', value: status.onnxruntime },
        { name: 'Node', value: status.node },
        {
          name: 'Hot loops',
          value: status.native ? 'C++ addon' : 'TypeScript: the C++ addon is not built; results are the same, hashing and quantizing are slower',
        },
      ]}
    />
  );
}

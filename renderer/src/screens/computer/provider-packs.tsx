/** Execution providers that do not come with Edgewright: what they need, and how they come here and go again. */
import { notifications } from '@mantine/notifications';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { packNeeds, type PackVerdict, type ProviderPack } from '#contract';
import { client, orpc } from '../../lib/engine.ts';
import { bytes, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { useJobCall } from '../../lib/use-job-call.ts';
import { Button } from '../../parts/button.tsx';
import { ErrorPanel } from '../../parts/error-panel.tsx';
import { Facts, Section } from '../../parts/facts.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { Meaning } from '../../parts/meaning.tsx';
import { isWholePath, PathField } from '../../parts/path-field.tsx';
import { Confirm, Sheet } from '../../parts/sheet.tsx';
import styles from './computer.module.css';

/** Nothing where there is no pack for this computer. */
export function ProviderPacks() {
  const packs = useQuery(orpc.providers.list.queryOptions());
  if (packs.isError) return <ErrorPanel error={packs.error} title="The provider packs could not be listed." />;
  if (!packs.data || packs.data.length === 0) return null;
  return (
    <Section title="Provider packs">
      {packs.data.map((pack) => (
        <Pack key={`${pack.name} ${pack.onnxruntime}`} pack={pack} />
      ))}
    </Section>
  );
}

function Pack({ pack }: { pack: ProviderPack }) {
  const [opened, setOpened] = useState<'install' | 'remove'>();
  const verify = useJobCall({ call: (name: string, jobId, signal) => client.providers.verify({ name, jobId }, { signal }) });
  const needs = packNeeds(pack);
  const close = (): void => setOpened(undefined);
  const here = pack.state !== 'available';
  return (
    <div className={styles.pack}>
      <div className={styles.packHead}>
        <strong>{pack.title}</strong>
        <Standing pack={pack} />
        <span className={styles.packActions}>
          {pack.state === 'installed' && (
            <Button kind="quiet" busy={verify.running && 'Reading every file'} onClick={() => verify.begin(pack.name)}>
              Verify its files
            </Button>
          )}
          {here ? (
            <Button onClick={() => setOpened('remove')}>Remove the pack…</Button>
          ) : (
            <Button onClick={() => setOpened('install')}>Install the pack…</Button>
          )}
        </span>
      </div>
      {needs !== undefined && <Facts items={[{ name: 'Needs', value: needs }]} />}
      <JobLine label="Verifying" call={verify} failed="Its files could not be read." stopped="Nothing is known of its files." />
      {verify.result && <Verdict verdict={verify.result} />}
      <InstallSheet pack={pack} opened={opened === 'install'} onClose={close} />
      <RemovePack pack={pack} opened={opened === 'remove'} onClose={close} />
    </div>
  );
}

function Standing({ pack }: { pack: ProviderPack }) {
  if (pack.state === 'installed') return <Meaning tone="good" word="Installed" reason={bytes(pack.installedBytes)} inline />;
  if (pack.state === 'available') return <Meaning tone="neutral" word="Not installed" reason={`${bytes(pack.downloadBytes)} to fetch`} inline />;
  return <Meaning tone="notice" word="Of no use" reason={`it is for ONNX Runtime ${pack.onnxruntime}`} inline />;
}

function Verdict({ verdict }: { verdict: PackVerdict }) {
  if (verdict.ok) return <Meaning tone="good" word={`All ${plural(verdict.files, 'file')} are as they were installed`} />;
  return (
    <ul aria-label="What is wrong">
      {verdict.damage.map(({ file, problem }) => (
        <li key={file}>
          <Meaning tone="bad" word={`${plainName(file)} ${plainName(problem)}`} />
        </li>
      ))}
    </ul>
  );
}

function InstallSheet({ pack, opened, onClose }: { pack: ProviderPack; opened: boolean; onClose: () => void }) {
  const [from, setFrom] = useState('');
  const path = from.trim();
  const needs = packNeeds(pack);
  const install = useJobCall({
    call: (source: string, jobId, signal) => client.providers.install({ name: pack.name, ...(source !== '' && { from: source }), jobId }, { signal }),
    onSuccess: (done) => {
      notifications.show({ title: `${done.title} is installed`, message: 'Detect again to see whether it works.' });
      onClose();
    },
  });
  return (
    <Sheet
      title={`Install ${pack.title}`}
      opened={opened}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" disabled={path !== '' && !isWholePath(path)} busy={install.running && 'Installing'} onClick={() => install.begin(path)}>
            {path === '' ? `Fetch ${bytes(pack.downloadBytes)} and install` : 'Install from there'}
          </Button>
        </>
      }
    >
      <p className="dim">
        The provider libraries of exactly ONNX Runtime {pack.onnxruntime} and what they need, from their published Python wheels, each known by its SHA-256.{' '}
        {bytes(pack.installedBytes)} on the disk once installed. Only runners load them.
      </p>
      <Facts
        items={[
          ...(needs === undefined ? [] : [{ name: 'Needs', value: needs }]),
          ...(pack.licence ? [{ name: 'Licences', value: `${pack.licence.title}: ${pack.licence.url}` }] : []),
        ]}
      />
      <PathField
        label="Without a network: a pack file, or a folder with the wheels"
        pick="file"
        placeholder="/media/stick/cuda.pack"
        value={from}
        disabled={install.running}
        hint="Made elsewhere with edgewright provider fetch. Empty: fetched from the Python Package Index."
        onChange={setFrom}
      />
      <JobLine label="Installing" call={install} failed="The pack was not installed." stopped="What was fetched is kept: it goes on from there." />
    </Sheet>
  );
}

function RemovePack({ pack, opened, onClose }: { pack: ProviderPack; opened: boolean; onClose: () => void }) {
  const remove = useMutation({
    mutationFn: () => client.providers.remove({ name: pack.name }),
    onSuccess: ({ freedBytes }) => {
      notifications.show({ title: `${pack.title} was removed`, message: `${bytes(freedBytes)} freed.` });
      onClose();
    },
  });
  return (
    <Confirm
      title={`Remove ${pack.title}`}
      opened={opened}
      onClose={onClose}
      action={`Remove ${bytes(pack.installedBytes)}`}
      busy={remove.isPending && 'Removing'}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      <p>Models that ask for {pack.providers.join(' or ')} run on the CPU afterwards. The pack can be installed again.</p>
    </Confirm>
  );
}

import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { BundleDetail, ExportResult } from '#contract';
import { client } from '../../lib/engine.ts';
import { bytes } from '../../lib/format.ts';
import { refOf } from '../../lib/refs.ts';
import { useRememberedText } from '../../lib/remember.ts';
import { useJobCall } from '../../lib/use-job-call.ts';
import { Button } from '../../parts/button.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { isWholePath, PathField } from '../../parts/path-field.tsx';
import { Sheet } from '../../parts/sheet.tsx';

/** The folder of a path with the separator at its end; empty where it has none. */
function folderOf(path: string): string {
  return /^.*[/\\]/s.exec(path)?.[0] ?? '';
}

/** One bundle as one file, to carry to another computer. */
export function ExportSheet({ bundle, opened, onClose }: { bundle: BundleDetail; opened: boolean; onClose: () => void }) {
  const ref = refOf(bundle);
  const name = `${bundle.name}-${bundle.version}.tar`;
  const [folder, setFolder] = useRememberedText('export.folder');
  const [typed, setTyped] = useState<string>();
  const file = (typed ?? (folder === '' ? '' : `${folder}${name}`)).trim();
  const out = useJobCall({
    call: (path: string, jobId, signal) => client.bundles.exportFile({ ref, file: path, jobId }, { signal }),
    onSuccess: (done) => {
      setFolder(folderOf(done.file));
      notifications.show({ title: `${ref} is in one file`, message: done.file });
    },
  });
  return (
    <Sheet
      title={`Export ${ref}`}
      opened={opened}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" disabled={!isWholePath(file)} busy={out.running && 'Exporting'} onClick={() => out.begin(file)}>
            Export to the file
          </Button>
        </>
      }
    >
      <p className="dim">
        Every variant with its signatures, as one OCI archive: on a USB stick it is as good as over a network. Where it is imported, it is checked like a build,
        and counts if its signer is trusted there.
      </p>
      <PathField
        label="File to write"
        pick={{ save: name }}
        placeholder={`/media/stick/${name}`}
        value={typed ?? file}
        disabled={out.running}
        hint="If an export to this file was cut off, it goes on where it stopped."
        onChange={(path) => {
          setTyped(path);
          out.reset();
        }}
      />
      <JobLine label="Export" call={out} failed="It was not exported." stopped="Export to the same file again, and it goes on with what is written already." />
      {out.result && <Exported result={out.result} />}
    </Sheet>
  );
}

function Exported({ result }: { result: ExportResult }) {
  return (
    <div role="status">
      <p>
        {bytes(result.bytes)} written{result.resumedBytes > 0 ? `, ${bytes(result.resumedBytes)} of them by the export before` : ''}.
      </p>
      <Copyable text={result.file} label="Copy the path of the file" />
    </div>
  );
}

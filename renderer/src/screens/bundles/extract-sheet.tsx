import { useState } from 'react';
import type { BundleDetail } from '#contract';
import { client } from '../../lib/engine.ts';
import { bytes, plural } from '../../lib/format.ts';
import { plainName } from '../../lib/plain-name.ts';
import { refOf, variantRef } from '../../lib/refs.ts';
import { useJobCall } from '../../lib/use-job-call.ts';
import { Button } from '../../parts/button.tsx';
import { Copyable, Digest } from '../../parts/copy.tsx';
import { SelectField } from '../../parts/field.tsx';
import { JobLine } from '../../parts/job-line.tsx';
import { isWholePath, PathField } from '../../parts/path-field.tsx';
import { Sheet } from '../../parts/sheet.tsx';

/** Exactly the signed files of a variant as a folder, for any verifier of model signatures. */
export function ExtractSheet({ bundle, opened, onClose }: { bundle: BundleDetail; opened: boolean; onClose: () => void }) {
  const ref = refOf(bundle);
  const names = bundle.variants.map((each) => each.name);
  const [variant, setVariant] = useState(names[0] ?? '');
  const [dir, setDir] = useState('');
  const folder = dir.trim();
  const out = useJobCall({
    call: (path: string, jobId, signal) => client.bundles.extract({ ref: variantRef(ref, variant), dir: path, jobId }, { signal }),
  });
  return (
    <Sheet
      title={`Extract files of ${ref}`}
      opened={opened}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button kind="primary" disabled={!isWholePath(folder)} busy={out.running && 'Extracting'} onClick={() => out.begin(folder)}>
            Extract {variant}
          </Button>
        </>
      }
    >
      <p className="dim">
        Writes the files of one variant as they were signed, with <code>model.sig</code> and <code>signer.pub</code> beside them. Any verifier of OpenSSF model
        signatures can judge them.
      </p>
      <SelectField
        label="Variant"
        value={variant}
        disabled={out.running}
        options={names.map((each) => ({ value: each, label: plainName(each) }))}
        onChange={(event) => {
          setVariant(event.currentTarget.value);
          out.reset();
        }}
      />
      <PathField
        label="Folder to write"
        pick="folder"
        placeholder={`/home/me/${bundle.name}`}
        hint="One that is empty or not there yet."
        value={dir}
        disabled={out.running}
        onChange={(path) => {
          setDir(path);
          out.reset();
        }}
      />
      <JobLine label="Extract" call={out} failed="Nothing was extracted." stopped="The folder is as it was." />
      {out.result && (
        <div role="status">
          <p>
            {plural(out.result.files, 'file')}, {bytes(out.result.bytes)}, signed by the key <Digest digest={out.result.signer} of="the signer’s key" />
          </p>
          <p className="dim">Judge them anywhere:</p>
          <Copyable text={`edgewright verify-signature ${quoted(out.result.dir)} --key ${quoted(`${out.result.dir}/signer.pub`)}`} label="Copy the command" />
        </div>
      )}
    </Sheet>
  );
}

/** A path as one word of a shell's line. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

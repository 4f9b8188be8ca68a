/** What can be done with a bundle, beside what is done most: behind one button, each in a panel of its own. */
import { Menu } from '@mantine/core';
import { IconChevronDown, IconFileExport, IconFolderOpen, IconTrash, IconUpload } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import type { BundleDetail } from '#contract';
import { Button } from '../../parts/button.tsx';
import { ExportSheet } from './export-sheet.tsx';
import { ExtractSheet } from './extract-sheet.tsx';
import { PushSheet } from './push-sheet.tsx';
import { RemoveBundle } from './remove-bundle.tsx';

type Action = 'export' | 'push' | 'extract' | 'remove';

export function BundleActions({ bundle }: { bundle: BundleDetail }): ReactNode {
  const [opened, setOpened] = useState<Action>();
  const close = (): void => setOpened(undefined);
  const usable = bundle.state === 'sound';
  const why = usable ? undefined : 'Only a bundle that can be used leaves this workspace';
  return (
    <>
      <Menu>
        <Menu.Target>
          <Button kind="quiet">
            More <IconChevronDown size={12} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconFileExport size={14} aria-hidden />} disabled={!usable} title={why} onClick={() => setOpened('export')}>
            Export to a file…
          </Menu.Item>
          <Menu.Item leftSection={<IconUpload size={14} aria-hidden />} disabled={!usable} title={why} onClick={() => setOpened('push')}>
            Push to a registry…
          </Menu.Item>
          <Menu.Item leftSection={<IconFolderOpen size={14} aria-hidden />} disabled={!usable} title={why} onClick={() => setOpened('extract')}>
            Extract the signed files…
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item leftSection={<IconTrash size={14} aria-hidden />} onClick={() => setOpened('remove')}>
            Remove…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ExportSheet bundle={bundle} opened={opened === 'export'} onClose={close} />
      <PushSheet bundle={bundle} opened={opened === 'push'} onClose={close} />
      <ExtractSheet bundle={bundle} opened={opened === 'extract'} onClose={close} />
      <RemoveBundle bundle={bundle} opened={opened === 'remove'} onClose={close} />
    </>
  );
}

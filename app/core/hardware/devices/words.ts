/** What is said of devices in more than one place. */
import type { HardwareDevice } from '#contract';
import type { NodeOwner } from '../machine.ts';
import type { Distro } from '../probes/system.ts';

/** Where a device stops, and how to go on. */
export interface Stop {
  stoppedBy: string;
  remedy?: NonNullable<HardwareDevice['remedy']>;
}

export const NO_PATH = (name: string, provider: string) => `${name} is there, but ONNX Runtime for Node has no ${provider} provider: no runtime path from here`;

export const DISPLAY_ONLY = 'it only drives a display';

/** Core ML gives no account of which part of a model ran on the Neural Engine, so nothing can be verified about it. */
export const COREML_DECIDES = 'Core ML decides by itself whether it uses the Neural Engine, and does not say';

/** Packages of one thing, by family of distribution; where ours is not among them the text alone must do. */
export type Packages = Partial<Record<Distro, string>>;

/** @returns the command that installs them; Debian's where the distribution is unknown */
export function installCommand(distro: Distro | undefined, packages: Packages): string | undefined {
  const family = distro ?? 'debian';
  const names = packages[family] ?? (family === 'ubuntu' ? packages.debian : undefined);
  if (names === undefined) return undefined;
  const tools: Record<Distro, string> = {
    debian: 'sudo apt-get install',
    ubuntu: 'sudo apt-get install',
    fedora: 'sudo dnf install',
    arch: 'sudo pacman -S',
    suse: 'sudo zypper install',
    alpine: 'sudo apk add',
  };
  return `${tools[family]} ${names}`;
}

export function install(text: string, distro: Distro | undefined, packages: Packages): { text: string; command?: string } {
  const command = installCommand(distro, packages);
  return { text, ...(command && { command }) };
}

/** A device node this user may not open: what to do depends on whether a group may, and whether the user is in it already. */
export function deniedNode(path: string, owner: NodeOwner | undefined, usualGroup: string): Stop {
  const stoppedBy = `this user may not open ${path}`;
  if (owner?.groupMay && owner.listed)
    return { stoppedBy, remedy: { text: `You are in its group ${owner.group} already, but this session began before that: log out and in again.` } };
  if (owner && (!owner.groupMay || owner.group === 'root')) {
    return {
      stoppedBy,
      remedy: {
        text: `Only root may. Give it to the group ${usualGroup} (for good: with a udev rule), and add yourself to that group.`,
        command: `sudo chgrp ${usualGroup} ${path} && sudo chmod g+rw ${path} && sudo usermod -aG ${usualGroup} "$USER"`,
      },
    };
  }
  return {
    stoppedBy,
    remedy: { text: 'Add yourself to the group that owns it, then log in again.', command: `sudo usermod -aG ${owner?.group ?? usualGroup} "$USER"` },
  };
}

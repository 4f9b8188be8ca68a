/** The devices of the workspace: asked about, enrolled and let go; what changes them is on record. */
import type { Device, DeviceDetail } from '#contract';
import type { Fleet, Removal } from '#core/fleet';
import type { Changes } from './changes.ts';
import type { PracticeDevice } from './practice.ts';
import type { RecordAct, Write } from './service.ts';
import type { WorkspaceDb } from './workspace-db.ts';

export interface DeviceDeps {
  fleet: Fleet;
  practice: PracticeDevice;
  db: WorkspaceDb;
  changes: Changes;
  write: Write;
  record: RecordAct;
  /** Whether this process follows its devices; without that, what was last heard may be long past, so they are asked. */
  follows: boolean;
}

export class Devices {
  readonly #deps: DeviceDeps;

  constructor(deps: DeviceDeps) {
    this.#deps = deps;
  }

  async list(): Promise<Device[]> {
    const { fleet, follows } = this.#deps;
    return follows ? fleet.list() : fleet.refresh();
  }

  async show(name: string): Promise<DeviceDetail> {
    const { fleet, follows } = this.#deps;
    if (!follows) await fleet.refresh(name);
    return fleet.show(name);
  }

  add(request: { address: string; name: string; code: string }, actor: string, signal?: AbortSignal): Promise<Device> {
    const { fleet, changes, write, record } = this.#deps;
    const work = async () => {
      const device = await fleet.add(request, signal ? { signal } : {});
      record(actor, 'device.enrolled', `Enrolled ${device.name}`, { link: `/devices/${device.name}` });
      changes.publish('devices', device.name);
      return device;
    };
    return write('enrolling a device', work, signal);
  }

  remove(name: string, actor: string): Promise<Removal> {
    const { fleet, practice, db, changes, write, record } = this.#deps;
    return write('removing a device', async () => {
      // It may be named by its id.
      const device = fleet.show(name);
      if (device.practice) db.saveSettings({ practiceDevice: false });
      const removal = await fleet.remove(device.id);
      if (device.practice) await practice.stop();
      record(actor, 'device.removed', `Removed ${device.name}${removal.told ? '' : ', which was not told'}`);
      changes.publish('devices', device.name);
      return removal;
    });
  }
}

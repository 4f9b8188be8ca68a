/** Addresses as people write them, and listening with an error that names the port. */
import { isIPv6, type Server } from 'node:net';
import { asEdgewrightError, EdgewrightError } from '#contract';

export interface HostPort {
  host: string;
  /** 0: any free one. */
  port: number;
}

/** Reads `127.0.0.1:8080`, `[::1]:8080`, `device.local:0`. @throws usage.address */
export function parseAddress(text: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new EdgewrightError({
      code: 'usage.address',
      message: 'This is not an address to listen on.',
      expected: 'HOST:PORT, such as 127.0.0.1:8443 (port 0: any free one)',
      found: text.slice(0, 100),
      owner: 'usage',
    });
  }
  return { host, port };
}

export function formatAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The host of a URL without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

export function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Listens, and says which port it became. @throws machine.port-in-use and other system errors, naming the address */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => {
      const known = asEdgewrightError(error);
      const message =
        known.code === 'machine.port-in-use'
          ? `The address ${formatAddress(host, port)} is in use by another program.`
          : `Cannot listen on ${formatAddress(host, port)}: ${error.message}`;
      reject(
        new EdgewrightError(
          {
            code: known.owner === 'bug' ? 'machine.listen' : known.code,
            message,
            hint: 'Name another address, as with --listen, or stop the program that holds it.',
            owner: 'machine',
          },
          { cause: error },
        ),
      );
    };
    server.once('error', onError);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', onError);
      const at = server.address();
      resolve(typeof at === 'object' && at !== null ? at.port : port);
    });
  });
}

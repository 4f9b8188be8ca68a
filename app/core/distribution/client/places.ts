/**
 * Where a registry may send us: for a blob (redirect), for an upload (Location), for a token (realm). Whatever it says is a
 * stranger's word: only over TLS, never into this computer or its link from outside, never with our name in it.
 */
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { hostOf, isLoopback } from '#core/platform';
import { MAX_LOCATION_LENGTH } from '../limits.ts';
import { wrongPlace } from './registry-errors.ts';

/** Reached by nobody but this computer. */
const OURS = new BlockList();
OURS.addSubnet('127.0.0.0', 8, 'ipv4');
OURS.addAddress('::1', 'ipv6');

/** Where no registry's storage is: this network's own link (with the cloud's metadata service), nowhere, everyone. */
const NOWHERE = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  NOWHERE.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  NOWHERE.addSubnet(net, bits, 'ipv6');
/** EC2's metadata service on IPv6. */
NOWHERE.addAddress('fd00:ec2::254', 'ipv6');

function isBlocked(address: string, ownIsLoopback: boolean): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  return NOWHERE.check(address, family) || (!ownIsLoopback && OURS.check(address, family));
}

export interface Origin {
  /** `https://registry.example.com:5000` */
  url: URL;
  label: string;
}

/**
 * The place a registry points to, seen from its own address.
 * @returns a path with its query where it is the registry itself
 * @throws network.wrong-place
 */
export function placeOf(own: Origin, location: string): { path: string } | { elsewhere: URL } {
  const url = location.length <= MAX_LOCATION_LENGTH ? URL.parse(location, own.url.href) : undefined;
  if (!url) throw wrongPlace(own.label, location, 'an address');
  if (url.username !== '' || url.password !== '') throw wrongPlace(own.label, url.host, 'an address without a user');
  // Behind a proxy that ends TLS a registry may not know that it is spoken to over TLS.
  const sameHost = url.hostname === own.url.hostname && (url.port === own.url.port || (url.protocol === 'http:' && url.port === ''));
  if (sameHost && (url.protocol === own.url.protocol || url.protocol === 'http:')) return { path: `${url.pathname}${url.search}` };
  const ownIsLoopback = isLoopback(hostOf(own.url));
  const plain = url.protocol === 'http:' && own.url.protocol === 'http:' && (url.hostname === own.url.hostname || (ownIsLoopback && isLoopback(hostOf(url))));
  if (url.protocol !== 'https:' && !plain) throw wrongPlace(own.label, `${url.protocol}//${url.host}`, 'https');
  const host = hostOf(url);
  if ((isIP(host) && isBlocked(host, ownIsLoopback)) || (isLoopback(host) && !ownIsLoopback))
    throw wrongPlace(own.label, url.host, 'an address on the network');
  return { elsewhere: url };
}

/** DNS that knows no address which a stranger's name must not lead to. */
export function guardedLookup(own: Origin): LookupFunction {
  const ownIsLoopback = isLoopback(hostOf(own.url));
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, '', 0);
      const allowed = addresses.filter(({ address }) => !isBlocked(address, ownIsLoopback));
      const [first] = allowed;
      if (!first) return callback(wrongPlace(own.label, hostname, 'an address on the network'), '', 0);
      if (options.all) return callback(null, allowed);
      return callback(null, first.address, first.family);
    });
  };
}
